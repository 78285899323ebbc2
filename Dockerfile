# docker build -t graft . && docker run --rm -v "$PWD:/work" graft inspect checkpoint
FROM swift:6.2-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
    binutils libjson-c-dev make pkg-config zlib1g-dev && rm -rf /var/lib/apt/lists/*
COPY . /graft
WORKDIR /graft
RUN make static

FROM scratch
COPY --from=build /graft/.build/static/release/graft /graft
WORKDIR /work
ENTRYPOINT ["/graft"]
