from services.notifications.handlers import EFFECTS, IN_APP
from services.notifications.resources import CHANNELS


def test_every_channel_of_a_notification_has_a_name_of_its_own_in_the_api() -> None:
    assert set(CHANNELS) == {*EFFECTS, IN_APP}
    assert len(set(CHANNELS.values())) == len(CHANNELS)
    assert 0 not in CHANNELS.values()
