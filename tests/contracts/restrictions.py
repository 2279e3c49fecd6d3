"""What every ledger must do of replays; a backend's test class gives the fixture `ledger`."""

from eventflow.delivery import Finish, Ledger, Outcome
from tests.contracts.ledger import TARGET, VENDOR, claim, register


class RestrictionContract:
    """What a replay is restricted to, and what of a target is not finished."""

    def test_a_restriction_is_kept(self, ledger: Ledger) -> None:
        """What a replay is restricted to is read by its name; another replay has none."""
        ledger.restrict("again", '{"rules":[],"targets":["audit"]}')
        assert '{"rules":[],"targets":["audit"]}' == ledger.restriction("again")
        assert ledger.restriction("other") is None

    def test_a_restriction_is_lifted(self, ledger: Ledger) -> None:
        """A replay that is over leaves nothing; lifting what is not there is no fault."""
        ledger.restrict("again", "{}")
        ledger.restrict("other", "{}")
        ledger.lift([])
        ledger.lift(["again", "never"])
        assert (None, "{}") == (ledger.restriction("again"), ledger.restriction("other"))

    def test_what_is_queued_is_told(self, ledger: Ledger) -> None:
        """The oldest first, and no more than asked for."""
        ids = [register(ledger, f"e{number}", TARGET) for number in range(3)]
        assert [identity for [identity] in ids[:2]] == ledger.queued(TARGET, 2)
        assert [] == ledger.queued("nobody", 10)

    def test_what_is_unfinished_is_told(self, ledger: Ledger) -> None:
        """A delivery is told from its registration until it is finished, in whatever state it is."""
        queued, running, waiting, parked, done = (
            register(ledger, f"e{number}", TARGET)[0] for number in range(5)
        )
        register(ledger, "other", "notifications")
        claim(ledger, running, waiting, done)
        ledger.finish(
            VENDOR,
            [Finish(waiting, 1, Outcome.RETRY, delay=60), Finish(done, 1, Outcome.DONE)],
        )
        ledger.park(TARGET, [parked])
        assert {queued, running, waiting, parked} == set(ledger.unfinished(TARGET, 10))
        assert {queued, running, waiting, parked} == set(ledger.unfinished(TARGET, 1))
        assert [] == ledger.unfinished("nobody", 10)
