"""eventflow in a FastAPI application: a lifespan and a dependency.

app = FastAPI(lifespan=eventflow_lifespan())

@app.post("/orders")
async def place_order(order: Order, flow: Flow) -> ...:
    await flow.apublish(OrderPlaced(...))
"""

from eventflow.contrib.fastapi.lifespan import Flow, eventflow_lifespan, get_flow

__all__ = ["Flow", "eventflow_lifespan", "get_flow"]
