package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func planned(seed uint64) ([]order, []fault) {
	random := rand.New(rand.NewPCG(seed, seed))
	faults := planFaults(random, allFaults, 30*time.Second)
	return planOrders(random, 300, 30*time.Second, faults), faults
}

func TestPlan(t *testing.T) {
	t.Parallel()
	orders, faults := planned(1)
	again, faultsAgain := planned(1)
	require.Equal(t, orders, again, "a seed makes one run")
	require.Equal(t, faults, faultsAgain)
	others, _ := planned(2)
	require.NotEqual(t, orders, others)

	accounts, routes := map[string]bool{}, map[string]bool{}
	digits, kinds, numbers := map[string]bool{}, map[faultKind]bool{}, map[string]bool{}
	var must, mustNot, scheduled int
	ends := map[string]int{}
	for i, o := range orders {
		digits[o.Scenario.digits] = true
		accounts[o.Account] = true
		for _, r := range o.Policy.Rules {
			routes[fmt.Sprint(r.Routes)] = true
		}
		require.False(t, numbers[o.Number], "a number of its own")
		numbers[o.Number] = true
		require.Equal(t, o.Scenario.digits, o.Number[len(o.Number)-2:])
		require.True(t, o.ends() || o.ExpiresIn == expiresSoon, "it ends")
		require.True(t, i == 0 || orders[i-1].After <= o.After)
		if o.mustFallBack() {
			must++
		}
		if o.SendIn > 0 {
			scheduled++
		}
		ends[o.EndBy]++
		if o.mustNotFallBack() {
			mustNot++
		}
	}
	require.Len(t, digits, len(allScenarios()), "every scenario")
	require.Len(t, accounts, 3, "no account, and either one")
	require.Len(t, routes, 5, "no routes, either account first, one alone, and own senders")
	require.Greater(t, must, 100)
	require.Greater(t, mustNot, 5)
	require.Greater(t, scheduled, 30)
	require.Greater(t, min(ends[cancels], ends[confirms]), 10)

	hit := map[string]bool{}
	for _, f := range faults {
		kinds[f.Kind] = true
		out, isOutage := outageOf(f.Kind)
		require.Equal(t, isOutage, f.Provider != "", "an outage hits a provider")
		require.Equal(t, isOutage && out.channel == whatsApp, f.Provider == meta)
		hit[f.Provider] = true
		for _, freeze := range faults {
			if freeze.Kind == freezeServe && f.Kind != freezeServe && f.After >= freeze.After {
				require.NotEqual(t, freeze.Target, f.Target, "nothing is done to a frozen process")
			}
		}
	}
	require.True(t, hit[twilio] || hit[infobip])
	require.Len(t, kinds, len(allFaults)-1, "every fault, but the wrong clock, which is there from the start")
}

func TestPlan_oneKind(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	require.Len(t, planFaults(random, []faultKind{downWhatsApp}, 30*time.Second), 1, "once in a run")
	require.Greater(t, len(planFaults(random, []faultKind{refuseSMS}, 30*time.Second)), 10)
	require.Empty(t, planFaults(random, nil, 30*time.Second))
}

func TestPlanSkew(t *testing.T) {
	t.Parallel()
	signs := map[int]bool{}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, seed))
		skew := planSkew(random, allFaults)
		require.True(t, skew == 0 || skew.Abs() >= 20*time.Second)
		signs[cmp.Compare(skew, 0)] = true
		require.Zero(t, planSkew(random, []faultKind{killServe}))
	}
	require.Len(t, signs, 3)
}

func TestPlan_mustFallBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		digits, policy, category string
		expires                  time.Duration
		must, mustNot, ends      bool
	}{
		"failed":                        {digits: "04", policy: "without a wait", must: true, ends: true},
		"failed, and it expires":        {digits: "04", policy: "unread", expires: expiresSoon, ends: true},
		"failed, and it expires later":  {digits: "04", policy: "unread", expires: expiresFar, must: true, ends: true},
		"read":                          {digits: "01", policy: "unread", ends: true},
		"never read":                    {digits: "02", policy: "unread", must: true, ends: true},
		"delivered":                     {digits: "02", policy: "undelivered", ends: true},
		"sent":                          {digits: "03", policy: "undelivered", must: true, ends: true},
		"sent, and nothing waits":       {digits: "03", policy: "without a wait"},
		"sent, which is enough":         {digits: "03", policy: "send failed"},
		"silent":                        {digits: "06", policy: "send failed", must: true, ends: true},
		"one of several":                {digits: "02", policy: "in turn", must: true, ends: true},
		"opted out":                     {digits: "16", policy: "unread", mustNot: true, ends: true},
		"opted out, marketing":          {digits: "22", policy: "unread", category: marketing, mustNot: true, ends: true},
		"opted out, and it is no offer": {digits: "16", policy: "unread", category: authentication, must: true, ends: true},
	} {
		o := order{Scenario: scenarioOf(tc.digits), Policy: policyOf(tc.policy), Category: tc.category, ExpiresIn: tc.expires}
		require.Equal(t, tc.must, o.mustFallBack(), name)
		require.Equal(t, tc.mustNot, o.mustNotFallBack(), name)
		require.Equal(t, tc.ends, o.ends(), name)
	}
}

// TestScenarios compares the scenarios with docs/sandbox.md. A scenario that is missing here would not be tested.
func TestScenarios(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d\d) \|`).FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, row[1])
	}
	var known []string
	for _, s := range allScenarios() {
		known = append(known, s.digits)
	}
	require.Equal(t, listed, known)
}
