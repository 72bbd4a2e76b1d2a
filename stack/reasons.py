"""What the reasons of refused calls, parked events and a checked history mean, and what to do.

A reason is `ErrorInfo.reason` of an error (bridge/errors.py), a dead letter's, or a finding's.
"""

REASONS = {
    # Why an event is parked.
    "KEY_PARKED": """\
The event did not fail: it waits behind an earlier one of its key, which did.
  causeway deadletters list --key KEY    see what holds the key""",
    "USER_UNKNOWN": """\
An event speaks of a user who is not registered (yet). It is tried again by itself, and heals when
the user registers; who is known to Keycloak alone never does.
  causeway deadletters discard NAME      give it up""",
    "RECIPIENT_UNKNOWN": """\
A notification's user is not known to Notifications (yet). It is tried again by itself.
  causeway deadletters list              see since when""",
    "UNDECODABLE": """\
The record is not in the wire format, or its headers are broken. Code that reads it may come.
  causeway deadletters show NAME         see its first bytes
  causeway deadletters discard NAME      give it up: the record is kept in bridge.discarded""",
    "UNKNOWN_TYPE": """\
The worker has no code for this type of event: it is older than the writer.
Deploy the newer code, then
  causeway deadletters redrive --reason UNKNOWN_TYPE""",
    "UNKNOWN_ENUM_NUMBER": """\
The event holds a number that its enum does not know here. A default would be a guess: it waits.
Deploy the newer protos, then
  causeway deadletters redrive --reason UNKNOWN_ENUM_NUMBER""",
    "UPCASTER_FAILED": """\
An upcaster (services/events.py) could not bring an old message up to date: it must take any value.
Mend it, deploy, then
  causeway deadletters redrive --reason UPCASTER_FAILED""",
    "DEADLINE_EXCEEDED": """\
It took longer than it may: a handler 30 s, a call its time limit. It is tried again by itself.""",
    "CANCELLED": """\
What a handler waited for was cancelled, not the handler itself. It is tried again by itself.""",
    "STALE_VERSION": """\
Somebody else wrote the stream first: load it, decide again, write again.""",
    # Why a call was refused.
    "STORE_UNAVAILABLE": """\
The database of a service does not answer; the details name it.
  causeway status                        see whether it is up""",
    "DATABASE_UNAVAILABLE": """\
A service's database is away. Nothing is lost: try again with the same request_id.""",
    "STORE_BUSY": """\
Others wrote events to the same keys without a pause, and these did not get between. Nothing was
stored: send them again under the same ids. It lasts only where many publish to one key at once.""",
    "KAFKA_UNAVAILABLE": """\
No broker answers. Commands go on; their events wait in the outbox.
  causeway status                        see which brokers are up""",
    "LOG_UNREADABLE": """\
A partition of the log gave nothing for too long: it has no leader, or its broker is away.
  causeway status                        see leaders and replicas, then try again""",
    "UNKNOWN_TOPIC": """\
No event type lives in a topic of this name; the message lists the topics that there are.""",
    "TOO_MANY_PARTITIONS": """\
The topics together have more partitions than a resume token can hold. Open two subscriptions.""",
    "PARTITIONS_CHANGED": """\
The topic got other partitions while the stream was open. Resume with the last token: it goes on
where it was, and reads the new partitions from their beginning.""",
    "OUTCOME_UNKNOWN": """\
The connection was lost at the commit, so it may be there or not: ask again with the same
request_id, which gives the same result.""",
    "REQUEST_ID_REUSED": """\
The request_id was used before for another request. Take a new one for a new wish.""",
    "INVALID_RESUME_TOKEN": """\
The token of a stream was altered, or made for another caller or another stream. Begin without one:
the first answer has a token of your own.""",
    "POSITION_GONE": """\
What the token would go on from is not there any more, or was never in this database or this log (a
backup was restored). Begin without a token, or at a time, and list what there is.""",
    "STALE_ETAG": """\
Somebody changed it since you read it; the details have its present etag. Read it again, decide
again, and send the new etag.""",
    "UNKNOWN_GROUP": """\
There is no such consumer group; the message lists those that there are.
  causeway call bridge.v1.OperationsService/DescribeCluster '{}' --as oscar""",
    "UNKNOWN_SOURCE": """\
No store writes events of this source; the message lists the sources.""",
    "UNKNOWN_EVENT_TYPE": """\
No service here has such an event, or none of the topics that were asked for; the message lists
those that may come from outside, or those that the topics have.""",
    "NOT_PUBLISHABLE": """\
An event of a service is written by that service alone. What may come from outside has
`publish_roles` in its proto.""",
    "SETTINGS_MISSING": """\
A process was not told what it needs; the message names the variable of its environment.""",
    "EVENT_ID_REUSED": """\
This source has used this id for another event, or the same one at another time. Give what is new an
id of its own; to repeat, send the same content again.""",
    "EMPTY_FILTER": """\
A filter without a field would touch all dead letters: name a group, key, type, reason or names.""",
    "NOTHING_CHOSEN": """\
A redelivery needs a choice of events: a subject, types, a range of time or of positions.""",
    "NOT_A_PROJECTION": """\
Only a group that declares its tables can be rebuilt: its handlers write these and nothing else.
  causeway replay start redeliver --help for any other group""",
    "NOT_LIVE": """\
This group has no members: it is fed by rebuilds alone.""",
    "INBOX_CLEANED": """\
The inbox does not reach back that far, so what was handled then can't be told: name the types that
the group has never handled, or begin later.""",
    "EVENT_PARKED": """\
An event of the range is parked in that group, and those behind it must wait for it.
  causeway deadletters redrive --group GROUP""",
    "EVENT_FAILED": """\
A handler failed on the event that is named; nothing was swapped, and what was done before it stays.
Mend the cause, then start the replay again.""",
    "WRITES_OUTSIDE": """\
A handler wrote another table than those that its group declares: such a group can't be rebuilt.""",
    "TABLE_REFERENCED": """\
Another table has a foreign key to this projection's: its rows can't be exchanged.""",
    "REPLAY_ENDED": """\
The replay has ended: there is nothing to cancel.
  causeway replay list                   see what runs""",
    "SCHEMA_NOT_REGISTERED": """\
The registry does not have this code's schema.
  causeway schemas register              the deployment's step; `causeway up` does it by itself""",
    "SCHEMA_REFUSED": """\
The registry finds the change of a schema incompatible; its words are in the message.
  causeway schemas check                 names the field and what to do""",
    "EVENT_TOO_LARGE": """\
The event would not fit a record of Kafka (1 MB). Nothing was stored.""",
    "NAME_TOO_LONG": """\
A stream's name, actor or correlation is longer than 1,024 bytes. Nothing was stored.""",
    "COUNT_TOO_LONG": """\
Counting the events takes too long on a store of this size. The replay can be started all the same:
it says how many it has done.""",
    "LOG_CUT": """\
The beginning of the log is gone: somebody changed the retention, which is forever. A rebuild
from Kafka would begin in the middle; what is in the stores is whole.""",
    "TOPIC_MADE_ANEW": """\
The log ends before what was read of it: somebody deleted the topic and made it anew. It is read
from its beginning by itself; what it held before is in the stores alone.""",
    "ROLE_MISSING": """\
The token holds none of the roles that the method asks for; the details name them.
  causeway call METHOD JSON --as root    root has every role""",
    "REGISTRATIONS_BUSY": """\
As many registrations are under way as the identity provider bears. Nothing was made: try again with
the same request_id.""",
    "USER_DEACTIVATED": """\
The account is deactivated, for good: its tokens are refused everywhere, though they may be in time,
its streams were ended, and Keycloak gives it no new ones. Nothing about it can be updated.
  causeway call users.v1.UserService/GetUser '{"name": "users/ID"}' --as oscar    its state""",
    "ADMIN_ONLY": """\
The user is an administrator: an operator may rename it, but neither deactivate it nor change its
address. An administrator can.
  causeway call users.v1.UserService/DeactivateUser '{"name": "users/ID"}' --as root""",
    "SELF_DEACTIVATION": """\
Nobody deactivates itself, so that there is always one left who may: another operator can.""",
    "USER_BUSY": """\
A change of this user is under way in Keycloak, or one that was interrupted may still come late
there. It ends within a minute: try again with the same request_id.""",
    "IDENTITY_OUTCOME_UNKNOWN": """\
Keycloak was asked and did not answer. The same request with the same request_id goes on where this
one stopped; without one the worker finishes it, or gives it up, within a minute.
  causeway status                        is Keycloak up?""",
    "IDENTITY_PROVIDER_AWAY": """\
Keycloak can't be reached. Nothing was done: try again.
  causeway status                        is it up?""",
    "IDENTITY_MISSING": """\
Keycloak has no such user any more: somebody removed it there. Deactivate the user here.""",
    "TOPIC_MISSING": """\
A topic that is to be read is not there.
  causeway compile                       makes the topics that the protos name""",
    "TOO_MANY_STREAMS": """\
This caller has as many open streams as one may have of a process (the details name the limit).
Close one, or set CAUSEWAY_MAX_STREAMS_PER_SUBJECT of the service.""",
    "TOO_MANY_CALLS": """\
The process has as many open calls, or open streams, as it takes (CAUSEWAY_MAX_CONCURRENT_CALLS and
CAUSEWAY_MAX_OPEN_STREAMS of the service). Try again, or run more replicas.""",
    # Why a notification did not go out (NotificationFailed), or waits for another try.
    "CHANNEL_OFF": """\
The customer switched the channel off after the event and before it could be told of it.""",
    "ADDRESS_INVALID": """\
The customer's e-mail address is none that a mail can carry.
  causeway call users.v1.UserService/UpdateUser JSON --as oscar""",
    "MAIL_SERVER_AWAY": """\
The mail server does not answer, or not in time. It is tried for ever, with growing pauses.
  causeway status                        is the mailbox up?""",
    "SMTP_STATUS": """\
The mail server refused the mail with this status: from 500 on for good, below that it is tried
again.""",
    "SMTPUTF8_UNSUPPORTED": """\
The customer's address has letters beyond ASCII, and the mail server takes none.""",
    "WEBHOOK_STATUS": """\
The customer's server answered with this status. 408, 425, 429 and 5xx are tried again for about a
day, then given up; any other 4xx, and a redirect, is the end at once. See docs/webhooks.md.""",
    "WEBHOOK_TIMEOUT": """\
The customer's server took longer than 15 s. It is tried again, for about a day.""",
    "WEBHOOK_NO_ANSWER": """\
The connection broke before an answer, or what answered speaks no HTTP. Whether the post arrived is
unknown; it is tried again with the same webhook-id, for about a day.""",
    "WEBHOOK_UNREACHABLE": """\
No address of the webhook's host takes connections, or its certificate is not for that name. It is
tried again, for about a day.""",
    "WEBHOOK_NAME_UNKNOWN": """\
No name server knows the webhook's host. It is tried again, for about a day.""",
    "WEBHOOK_ADDRESS_REFUSED": """\
A webhook must be an https address that is public, also after its name is resolved.
CAUSEWAY_WEBHOOK_ALLOWED of Notifications excepts hosts by port: see docs/webhooks.md.""",
    "WEBHOOK_SECRET_INVALID": """\
A webhook's secret has at least 16 bytes, and Base64 behind `whsec_` if it begins so.""",
}
