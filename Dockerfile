# The image of every eventflow process: router, recorder, workers and Flower.
FROM python:3.13-slim

WORKDIR /app
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY eventflow eventflow
COPY workers workers
COPY rules rules
COPY schemas schemas
RUN pip install --no-cache-dir --constraint constraints.txt ".[encryption,http,postgres]" \
    && useradd --create-home --uid 10001 eventflow \
    && install --directory --owner eventflow /data

USER eventflow
ENV PYTHONUNBUFFERED=1 EVENTFLOW_DATA_DIR=/data
CMD ["eventflow", "--help"]
