from typing import Any, cast

from services.notifications.bootstrap import _senders
from services.notifications.settings import Settings


def test_no_customer_can_take_all_places_of_mails_or_of_posts() -> None:
    settings = Settings.model_construct(smtp="127.0.0.1:25")
    senders = _senders(settings, cast(Any, None), cast(Any, None))
    for pace in (one._pace for one in senders):
        assert pace.for_one is not None
        assert pace.for_one < pace.at_once
