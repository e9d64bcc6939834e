# The tap, and what `make wheels WITH=…` puts beside it, installed from the folder wheels/ alone: nothing is downloaded.
# The digest is that of the image for all machines. Dependabot moves it; `make wheels` takes the Python's version from here.
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
COPY wheels /wheels
# An environment for each program, since their dependencies must not decide each other's versions. None of them has pip.
RUN set -eu; \
    mkdir /opt/bin; \
    for wheels in /wheels/*; do \
      program="/opt/${wheels##*/}"; \
      python -m venv --without-pip "$program"; \
      python -m pip --python "$program/bin/python" --no-cache-dir --disable-pip-version-check install \
        --no-index --find-links "$wheels" --require-hashes --requirement "$wheels/requirements.txt"; \
    done; \
    find /opt/*/bin \( -name 'tap-*' -o -name 'target-*' -o -name meltano \) -exec ln -s -t /opt/bin {} +

FROM base
LABEL org.opencontainers.image.title="tap-interviewflow" \
      org.opencontainers.image.description="Singer tap for InterviewFlowAI" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt /opt
ENV PATH="/opt/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
WORKDIR /tmp
# A run ends by itself, and its exit code says how.
HEALTHCHECK NONE
ENTRYPOINT ["tap-interviewflow"]
