#!/bin/sh
# Draws the Mermaid diagram of docs/<page>.md as docs/<page>.svg, in the system's Chromium. The SVG names the digest of its source;
# a test compares the two (cmd/backstop/documents_test.go). Usage: docs/diagrams/draw.sh <page>...
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
for page; do
	sed -n '/^```mermaid$/,/^```$/p' "$page.md" | sed '1d;$d' >"$work/$page.mmd"
	PUPPETEER_SKIP_DOWNLOAD=1 PUPPETEER_EXECUTABLE_PATH=$chromium \
		npx --yes --package @mermaid-js/mermaid-cli@11.15.0 --package puppeteer@24.43.1 -- \
		mmdc --quiet --svgId "$page" --configFile diagrams/mermaid.json --puppeteerConfigFile diagrams/puppeteer.json \
		--input "$work/$page.mmd" --output "$work/$page.svg"
	{
		cat "$work/$page.svg"
		printf '\n<!-- drawn by make diagrams; sha256 of the source: %s -->\n' "$(sha256sum <"$work/$page.mmd" | cut -d ' ' -f 1)"
	} >"$page.svg"
done
