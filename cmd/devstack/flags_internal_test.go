package main

import (
	"bytes"
	"flag"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseFlags(t *testing.T) {
	t.Parallel()

	t.Run("defaults", func(t *testing.T) {
		t.Parallel()

		parsed, err := parseFlags(nil, io.Discard)
		require.NoError(t, err)
		require.Equal(t, flags{
			data: ".data", services: services{postgres: true, temporal: true, ui: true}, temporal: defaultTemporal, temporalDB: storeSQLite,
			command: parsed.command,
		}, parsed)
		require.Empty(t, parsed.command)
	})

	t.Run("command", func(t *testing.T) {
		t.Parallel()

		parsed, err := parseFlags([]string{"--services", "temporal", "--temporal-port", "7000", "--", "ls", "--all", "--"}, io.Discard)
		require.NoError(t, err)
		require.Equal(t, services{temporal: true}, parsed.services)
		require.Equal(t, 7000, parsed.ports.temporal)
		require.Equal(t, []string{"ls", "--all", "--"}, parsed.command)
	})

	t.Run("url gets sslmode", func(t *testing.T) {
		t.Parallel()

		parsed, err := parseFlags([]string{"--postgres-url", "postgres://a:b@127.0.0.1:1/x"}, io.Discard)
		require.NoError(t, err)
		require.Equal(t, "postgres://a:b@127.0.0.1:1/x?sslmode=disable", parsed.postgresURL.String())

		parsed, err = parseFlags([]string{"--postgres-url", "postgres://a:b@127.0.0.1:1/x?sslmode=require"}, io.Discard)
		require.NoError(t, err)
		require.Equal(t, "postgres://a:b@127.0.0.1:1/x?sslmode=require", parsed.postgresURL.String())
	})

	t.Run("help", func(t *testing.T) {
		t.Parallel()

		var help bytes.Buffer

		_, err := parseFlags([]string{"-h"}, &help)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Contains(t, help.String(), "-temporal-shards")
	})
}

func TestParseFlags_refused(t *testing.T) {
	t.Parallel()

	for name, refused := range map[string]struct {
		args []string
		want string
	}{
		"command without dashes":   {[]string{"ls"}, `unexpected argument "ls"`},
		"word before dashes":       {[]string{"temporal", "--", "ls"}, `unexpected argument "temporal"`},
		"unknown flag":             {[]string{"--nope"}, "nope"},
		"unknown service":          {[]string{"--services", "redis"}, "redis"},
		"no service":               {[]string{"--services", ""}, "--services"},
		"unknown store":            {[]string{"--temporal-db", "mysql"}, "mysql"},
		"ui alone":                 {[]string{"--services", "ui"}, "ui needs temporal"},
		"no postgres for temporal": {[]string{"--services", "temporal", "--temporal-db", "postgres"}, "--postgres-url"},
		"port":                     {[]string{"--ui-port", "70000"}, "--ui-port"},
		"negative port":            {[]string{"--postgres-port", "-1"}, "--postgres-port"},
		"shards":                   {[]string{"--temporal-shards", "5000"}, "--temporal-shards"},
		"url":                      {[]string{"--postgres-url", "127.0.0.1:5432"}, "--postgres-url"},
		"data":                     {[]string{"--data", ""}, "--data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := parseFlags(refused.args, io.Discard)
			require.ErrorContains(t, err, refused.want)
		})
	}

	t.Run("password is not repeated", func(t *testing.T) {
		t.Parallel()

		_, err := parseFlags([]string{"--postgres-url", "mysql://me:hunter2@host/x"}, io.Discard)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	})
}
