"""A shop on Flask: it takes orders, and tells of each by an event."""

from flask import Flask

from shop.database import Base, Session, engine
from shop.orders import events, orders

__all__ = ["create_app"]


def create_app() -> Flask:
    """Make the application: its pages, and its commands, eventflow's among them."""
    app = Flask(__name__)
    events.init_app(app)
    app.register_blueprint(orders)

    @app.teardown_appcontext
    def end_session(_error: BaseException | None) -> None:
        Session.remove()

    @app.cli.command("init-db")
    def make_tables() -> None:
        """Make the tables, the shop's and the outbox's."""
        Base.metadata.create_all(engine)

    return app
