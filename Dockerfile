# The scanner with git, for the `strongroom-docker` hook: pre-commit builds this image itself.
# By hand: docker build -t strongroom . && docker run --rm -v "$PWD:/src" strongroom strongroom scan .
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /src

COPY requirements.lock pyproject.toml README.md LICENSE /build/
COPY src /build/src
RUN pip install --no-cache-dir --require-hashes -r /build/requirements.lock \
    && pip install --no-cache-dir --no-deps /build \
    && rm -rf /build

WORKDIR /src
CMD ["strongroom", "scan", "."]
