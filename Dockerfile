# The program alone, with its web console: no shell, no package manager, and not root.
FROM node:22 AS console
WORKDIR /src
# Other registries than the usual ones; without these arguments npm and Go take their own.
ARG NPM_CONFIG_REGISTRY
COPY console/package.json console/package-lock.json console/.npmrc ./
RUN npm ci --ignore-scripts
COPY console .
RUN npm run build

FROM golang:1.26 AS build
WORKDIR /src
ARG GOPROXY
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=console /src/static/app console/static/app
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /backstop ./cmd/backstop

FROM gcr.io/distroless/static-debian13:nonroot
COPY --from=build /backstop /backstop
EXPOSE 8080
ENTRYPOINT ["/backstop"]
CMD ["serve"]
