# hydrate alone: a static binary, the certificates of public authorities, and a directory to write to.
#
# The context is made by packaging/image-context; `make image` builds one from the binary of this machine. There is no `git` in it: rendering, `check`,
# `diff` and charts from repositories and registries work, commits and charts from Git do not.
FROM scratch
ARG TARGETARCH
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="hydrate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY linux-${TARGETARCH} /
USER 65532:65532
ENV PATH=/usr/local/bin HOME=/tmp
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/hydrate"]
