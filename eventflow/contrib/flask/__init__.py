"""eventflow in a Flask application: an extension.

    events = EventFlowExtension()             # beside your other extensions

    def create_app():
        app = Flask(__name__)
        app.config["EVENTFLOW_BROKER_URL"] = "redis://…"
        events.init_app(app)
        return app

    events.publish(OrderPlaced(order_id=7))

With `EventFlowExtension(session=db.session)`, `publish()` waits for the session's commit, or, with
`EVENTFLOW_OUTBOX`, writes to the outbox. `flask eventflow …` runs all commands of eventflow.
"""

from eventflow.contrib.flask.extension import EventFlowExtension

__all__ = ["EventFlowExtension"]
