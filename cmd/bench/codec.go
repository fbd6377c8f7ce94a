package main

import (
	"context"
	"maps"
)

const (
	codecOff = "codec off"
	codecOn  = "codec on"
	// leastWithCodec is the share of the throughput that remains with encryption.
	leastWithCodec = 0.9

	benchKeyring = "bench:bG9jYWwgb25seTogbm90IGEgc2VjcmV0IGF0IGFsbC4="
)

// withKeyring returns the settings of a Backstop that has a key and encrypts nothing.
func withKeyring() map[string]string { return map[string]string{"BACKSTOP_KEYRING": benchKeyring} }

// encrypted returns the settings of a Backstop with encrypted payloads.
func encrypted() map[string]string {
	return map[string]string{"BACKSTOP_KEYRING": benchKeyring, "BACKSTOP_TEMPORAL_ENCRYPT": "true"}
}

const (
	sealOff = "sealing off"
	sealOn  = "sealing on"
	// leastSealed is the share of the throughput that remains with encrypted texts.
	leastSealed = 0.95
)

// measureSealed compares whole sends with encrypted texts in Postgres and with plain ones.
func (b *bench) measureSealed(ctx context.Context) error {
	return b.compareSettings(ctx, pair{
		title: "Sealed texts", raw: "sealed", off: sealOff, on: sealOn, least: leastSealed,
		note:   "sealing on: BACKSTOP_SEAL=texts.",
		target: "completed sends per second with encrypted texts, of plain",
	}, withKeyring(), map[string]string{"BACKSTOP_KEYRING": benchKeyring, "BACKSTOP_SEAL": "texts"})
}

const (
	numbersOff = "numbers plain"
	numbersOn  = "numbers sealed"
	// leastWithNumbers is the share of the throughput that remains with encrypted numbers, of that with encrypted texts alone.
	leastWithNumbers = 0.95
)

// measureNumbers compares whole sends with encrypted phone numbers in Postgres and with plain ones. Before each round all rows
// are converted.
func (b *bench) measureNumbers(ctx context.Context) error {
	off := map[string]string{"BACKSTOP_KEYRING": benchKeyring, "BACKSTOP_SEAL": "texts", numberKeyVariable: benchKeyring}
	on := maps.Clone(off)
	on["BACKSTOP_SEAL"] = "texts,numbers"
	return b.compareSettings(ctx, pair{
		title: "Sealed numbers", raw: "numbers", off: numbersOff, on: numbersOn, least: leastWithNumbers,
		note:   "numbers sealed: BACKSTOP_SEAL=texts,numbers; numbers plain: BACKSTOP_SEAL=texts.",
		target: "completed sends per second with encrypted numbers, of plain",
	}, off, on)
}

// measureCodec compares whole sends with encrypted payloads and with plain ones.
func (b *bench) measureCodec(ctx context.Context) error {
	return b.compareSettings(ctx, pair{
		title: "Codec", raw: "codec", off: codecOff, on: codecOn, least: leastWithCodec,
		note:   "codec on: BACKSTOP_TEMPORAL_ENCRYPT.",
		target: "completed sends per second with encrypted payloads, of plain",
	}, withKeyring(), encrypted())
}
