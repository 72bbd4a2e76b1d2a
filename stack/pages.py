"""A page for each error code: what it means, and what to do about it."""

import re
from itertools import takewhile

from stack.errors import Code, StackError
from stack.reasons import REASONS

PAGES = {
    Code.ALREADY_RUNNING: """\
Another `causeway up` holds this state directory.
One state directory serves one platform, so that two never write the same data.
  causeway status                        see what runs
  causeway down                          stop it
  CAUSEWAY_STATE=/other CAUSEWAY_PORT_OFFSET=1000 causeway up     run a second one beside it""",
    Code.CALL_FAILED: """\
The platform refused a call, or did not answer it. The message says the gRPC code, the server's
words, the wrong fields, and the role that the caller lacks.
  causeway call METHOD JSON --as oscar   as an operator
  causeway call METHOD JSON --as root    as an administrator, who has every role
  causeway status                        is the service up?""",
    Code.CHANGE_FAILED: """\
A change of the running platform did not get through. What was done before is said above the error,
what comes after was not begun; every step can be repeated.
  causeway status                        is every part up?
  causeway compile --dry-run             what still differs
  causeway compile                       again, once the cause is gone""",
    Code.CHECK_UNPREPARED: """\
`causeway check` could not get its tokens, or the order and the notification that it asks for as
their owner and as a stranger. Nothing was proven, and nothing was found.
  causeway status                        are all parts up?
  causeway tour                          which hop of an order is missing?
  causeway check --static                what can be proven without a platform""",
    Code.CHECKSUM_MISMATCH: """\
A downloaded file is not the one that was pinned: cut, altered, or another version.
It was thrown away and nothing was started.
  causeway up                            fetch it again
If it happens again, look at what stands between you and the repository (a proxy, a mirror).""",
    Code.DISK_FULL: """\
Nothing more can be written where the state (.causeway) or the cache is.
  df -h                                  see which disk
  CAUSEWAY_STATE=/elsewhere causeway up  put data on another disk
  CAUSEWAY_CACHE=/elsewhere causeway up  put downloads on another disk""",
    Code.DOWNLOAD_FAILED: """\
A part could not be fetched. What arrived is kept; the next try goes on from there.
  causeway up                            try again
Behind a proxy: set HTTPS_PROXY. With a mirror of Maven Central: set CAUSEWAY_MAVEN.""",
    Code.EDGE_REFUSED: """\
Envoy does not take the configuration that was compiled; the message shows its own words. What was
live before is live: a refusal by `--mode validate` never reaches the running edge, and one of the
running edge was undone.
  causeway logs edge                     what the running one says
  causeway compile --dry-run             what the protos would change
  causeway status                        where replicas are not healthy: which, and why""",
    Code.HOP_MISSING: """\
The tour's order did not get further than the hops that were printed, within the limit.
  causeway status                        is every part up, does every partition have a leader?
  causeway logs orders-worker            the relay, and the consumer of credit events
  causeway logs users-worker             credit
  causeway logs notifications-worker     the mail
  causeway tour --limit 120              give it more time""",
    Code.LOGIN_FAILED: """\
Keycloak gave no token: a wrong name or password, or it does not answer.
The local users are alice, bob, oscar, ada, paul and root; the password is causeway-<name>.
  causeway status                        is Keycloak up?
  causeway token NAME --password …       a user of your own""",
    Code.MODEL_REFUSED: """\
protoc does not take the protos, or they contradict a rule of the platform, or declare a service
that this platform does not run. The message names file, line and option of each mistake. Nothing
was changed, the generated modules neither.
  causeway compile --dry-run             again, once it is put right: it tells what would change
  causeway compile                       then take it""",
    Code.NOT_CACHED: """\
With --offline nothing is fetched, and a part is not in the cache yet.
  causeway up                            once, with a network
  causeway up --offline                  from then on""",
    Code.NOT_RUNNING: """\
No platform runs with this state directory.
  causeway up                            start one in the foreground
  causeway up --detach                   start one in the background
If you run it from another checkout, set CAUSEWAY_STATE to that one's .causeway.""",
    Code.NOT_GENERATED: """\
A .proto file was changed, and the modules that are generated from it were not: what reads them
would speak of the protos before the change.
  make generate                          write them anew, then commit both""",
    Code.PORT_TAKEN: """\
Another program listens where a part of the platform wants to. Nothing was started.
The message names the port, the program with its process id, and the setting that moves it.
  CAUSEWAY_PORT_KAFKA_1=9192 causeway up       move one port
  CAUSEWAY_PORT_OFFSET=1000 causeway up        move all of them
A program of another user is seen only by root: sudo lsof -i :9092""",
    Code.RECORD_UNREADABLE: """\
The state's platform.json, which says what runs, is damaged or of a version with another shape.
Nothing was started, ended or removed, for it can't be known which processes are ours.
  ps -eo pid,args | grep .causeway       what still runs of it; end that
  rm .causeway/platform.json             then forget the record; the data stays
  causeway up""",
    Code.REGISTRY_FAILED: """\
The schema registry does not answer, or it refuses a schema. The message holds its own words.
  causeway status                        is it up?
  causeway schemas list                  what it has, and whether this code is registered
  causeway schemas check                 which field makes a schema incompatible, and what to do""",
    Code.REPLAY_FAILED: """\
A replay ended without success: its worker met an error, or somebody cancelled it.
A rebuild that did not succeed left the projection as it was; what the other modes handled stays
handled.
  causeway replay status ID              how far it was, and the error
  causeway logs orders-worker            what the worker of that service says
  causeway deadletters list              what could not be handled""",
    Code.SETTING_INVALID: """\
A CAUSEWAY_* variable or an option has a value that can't be used, or a CAUSEWAY_PORT_* variable
names no port. Other unknown CAUSEWAY_* names are not looked at: check their spelling.
  causeway up --help                     the options
  env | grep CAUSEWAY_                   what is set""",
    Code.START_FAILED: """\
A part did not start. The message shows the end of its log; everything else was stopped again.
  causeway logs NAME                     the whole log
  sysctl fs.inotify.max_user_instances   how many a user may have: each Envoy takes about 20
  causeway up                            try again: every step can be repeated
  causeway down --wipe                   begin anew, without the data""",
    Code.STATE_NOT_OURS: """\
The state directory holds files that Causeway did not put there. Nothing was changed or removed.
  CAUSEWAY_STATE=/an/empty/directory causeway up""",
    Code.STATE_NOT_WRITABLE: """\
The state directory can't be written by you. It may belong to root from an earlier `sudo`.
  ls -ld .causeway                       whose it is
  CAUSEWAY_STATE=/a/directory/of/yours causeway up""",
    Code.STOP_FAILED: """\
Something of the platform did not end, although it was asked and then killed.
Processes of another user can be ended only by that user or by root.
  ps -o pid,user,args -p PID             what it is
  kill -9 PID                            as its user
When another `up` or `down` holds the state, let it end first:
  causeway down                          try again""",
    Code.TOPIC_MISMATCH: """\
A topic is in the cluster with other partitions, replication or settings than the protos ask for.
Changing them under stored events would break the order of keys, so nothing was changed.
  causeway status                        the partitions as they are
  causeway down --wipe                   locally: begin anew, without the data""",
    Code.UNEXPECTED: """\
An error that nobody foresaw; please report it with the file that the message names.
  causeway status                        what runs
  causeway up                            try again: every step can be repeated""",
    Code.UNKNOWN_NAME: """\
There is no part of that name. The message lists those that there are.
A first word stands for all that begin with it: `kafka` for kafka-1, kafka-2 and kafka-3.
  causeway status                        all processes""",
    Code.UNSUPPORTED_MACHINE: """\
A part has no build for this system. Causeway runs on Linux x86_64 and on macOS.
  docker compose up                      elsewhere, where there is Docker""",
}


def page(code: str) -> str:
    """The page of a code or a reason; StackError UNKNOWN_NAME when there is no such."""
    # A reason may end in the status that somebody else's server answered.
    reason = REASONS.get(code.upper()) or REASONS.get(re.sub(r"_\d+$", "_STATUS", code.upper()))
    if reason is not None:
        return f"{code.upper()}\n\n{reason}"
    try:
        known = Code(code.upper())
    except ValueError:
        raise StackError(
            Code.UNKNOWN_NAME, f"there is no error code {code!r}", "causeway explain", usage=True
        ) from None
    return f"{known}\n\n{PAGES[known]}"


def contents() -> str:
    """All codes with their first sentence, then the reasons that parked events and calls name.

    Each list in the order of the alphabet.
    """
    width = max(map(len, [*Code, *REASONS]))
    codes = [f"{code:<{width}}  {_first_sentence(PAGES[code])}" for code in sorted(Code)]
    reasons = [f"{name:<{width}}  {_first_sentence(REASONS[name])}" for name in sorted(REASONS)]
    return "\n".join([*codes, "", *reasons])


def _first_sentence(text: str) -> str:
    """Whole, however many lines it has; what is indented is a command."""
    prose = takewhile(lambda line: not line.startswith(" "), text.splitlines())
    return re.split(r"(?<=\.)\s", " ".join(prose), maxsplit=1)[0]
