package health

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// at returns a time in seconds.
func at(s int) time.Time { return time.Date(2026, 3, 1, 12, 0, s, 0, time.UTC) }

func closedAt(since, windowStart int, c Counts) Record {
	return Record{Since: at(since), WindowStart: at(windowStart), Window: c}
}

// open is a circuit that opened at 50 s.
func open(reason Reason, retryAt int) Record {
	return Record{IsOpen: true, Reason: reason, Since: at(50), RetryAt: at(retryAt), WindowStart: at(50)}
}

func leased(r Record, by string, until int) Record {
	r.ProbeBy, r.ProbeUntil = by, at(until)
	return r
}

// The report is "p", and is merged at 100 s.
func TestMerge(t *testing.T) {
	t.Parallel()
	opened := func(reason Reason, since, windowStart int, c Counts) Record {
		r := closedAt(since, windowStart, c)
		r.IsOpen, r.Reason, r.ChangedBy = true, reason, "p"
		r.RetryAt = at(since).Add(map[Reason]time.Duration{Down: 10 * time.Second, UnknownEnds: 10 * time.Second, AccountFaults: time.Minute}[reason])
		return r
	}
	wellAgain := Record{Since: at(100), WindowStart: at(100), ChangedBy: "p"}
	failing := func(reason Reason, lease string, isAlone bool) report {
		return report{by: "p", verdict: verdict{kind: opens, reason: reason, lease: lease, isAlone: isAlone}}
	}
	succeeding := func(lease string, isAlone bool) report {
		return report{by: "p", verdict: verdict{kind: closes, lease: lease, isAlone: isAlone}}
	}
	known := func(p report, since int) report {
		p.known = at(since)
		return p
	}
	counting := func(c Counts) report { return report{by: "p", counts: c} }
	for name, c := range map[string]struct {
		record Record
		report report
		want   Record
	}{
		"nothing": {Record{}, report{by: "p"}, Record{}},
		"the first calls": {
			Record{}, counting(Counts{Calls: 3, Unknown: 1}), closedAt(100, 100, Counts{Calls: 3, Unknown: 1}),
		},
		"more calls": {
			closedAt(10, 41, Counts{Calls: 9, Faults: 1, Unavailable: 2}), counting(Counts{Calls: 5, Faults: 1}),
			closedAt(10, 41, Counts{Calls: 14, Faults: 2, Unavailable: 2}),
		},
		"a new window": {
			closedAt(10, 40, Counts{Calls: 19, Faults: 19}), counting(Counts{Calls: 5, Faults: 5}),
			closedAt(10, 100, Counts{Calls: 5, Faults: 5}),
		},
		"a clock that was put back": {
			closedAt(10, 101, Counts{Calls: 19, Faults: 19}), counting(Counts{Calls: 5}), closedAt(10, 100, Counts{Calls: 5}),
		},
		"too few calls": {
			closedAt(10, 90, Counts{Calls: 18, Unavailable: 18}), counting(Counts{Calls: 1, Unavailable: 1}),
			closedAt(10, 90, Counts{Calls: 19, Unavailable: 19}),
		},
		"half of them failures": {
			closedAt(10, 90, Counts{Calls: 19, Unavailable: 9}), counting(Counts{Calls: 1, Unavailable: 1}),
			closedAt(10, 90, Counts{Calls: 20, Unavailable: 10}),
		},
		"more than half down": {
			closedAt(10, 90, Counts{Calls: 19, Unavailable: 10}), counting(Counts{Calls: 1, Unavailable: 1}),
			opened(Down, 100, 90, Counts{Calls: 20, Unavailable: 11}),
		},
		"more than half, most of them faults": {
			closedAt(10, 90, Counts{Calls: 19, Faults: 6, Unavailable: 4}), counting(Counts{Calls: 1, Faults: 1}),
			opened(AccountFaults, 100, 90, Counts{Calls: 20, Faults: 7, Unavailable: 4}),
		},
		"30 % unknown": {
			closedAt(10, 90, Counts{Calls: 19, Unknown: 5}), counting(Counts{Calls: 1, Unknown: 1}),
			closedAt(10, 90, Counts{Calls: 20, Unknown: 6}),
		},
		"more than 30 % unknown": {
			closedAt(10, 90, Counts{Calls: 19, Unknown: 6}), counting(Counts{Calls: 1, Unknown: 1}),
			opened(UnknownEnds, 100, 90, Counts{Calls: 20, Unknown: 7}),
		},
		"failures in a row": {
			Record{}, report{by: "p", counts: Counts{Calls: 5, Faults: 5}, verdict: verdict{kind: opens, reason: AccountFaults}},
			opened(AccountFaults, 100, 100, Counts{Calls: 5, Faults: 5}),
		},
		"calls of a former state": {
			closedAt(10, 90, Counts{Calls: 19, Faults: 19}), known(failing(Down, "", false), 5), closedAt(10, 90, Counts{Calls: 19, Faults: 19}),
		},
		"calls of a deleted account":        {Record{}, known(failing(Down, "", false), 5), Record{}},
		"open already":                      {open(Down, 60), failing(AccountFaults, "", false), open(Down, 60)},
		"calls that began before it opened": {open(Down, 60), counting(Counts{Calls: 90}), open(Down, 60)},
		"a probe that ends well":            {leased(open(Down, 60), "a", 101), succeeding("a", false), wellAgain},
		"a slow probe whose lease has ended": {
			leased(open(Down, 60), "a", 99), succeeding("a", false), wellAgain,
		},
		"a slow probe whose lease another has": {
			leased(open(Down, 60), "b", 101), succeeding("a", false), leased(open(Down, 60), "b", 101),
		},
		"a slow probe, after another one failed": {open(Down, 110), succeeding("a", false), open(Down, 110)},
		"a probe that fails": {
			leased(open(Down, 60), "a", 101), failing(Down, "a", false), open(Down, 110),
		},
		"a probe that is refused": {
			leased(open(Down, 60), "a", 101), failing(AccountFaults, "a", false), open(AccountFaults, 160),
		},
		"a probe without the store":              {open(Down, 60), known(succeeding("a", true), 50), wellAgain},
		"a probe without the store that fails":   {open(Down, 60), known(failing(Down, "a", true), 50), open(Down, 110)},
		"a probe without the store, of a former": {open(Down, 60), known(succeeding("a", true), 40), open(Down, 60)},
		"a probe without the store, and another": {
			leased(open(Down, 60), "b", 101), succeeding("a", true), leased(open(Down, 60), "b", 101),
		},
		"a probe without the store, and a dead one": {leased(open(Down, 60), "b", 100), succeeding("a", true), wellAgain},
		"a probe of a circuit that was not stored":  {closedAt(10, 90, Counts{}), succeeding("a", true), closedAt(10, 90, Counts{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, merge(c.record, c.report, at(100)))
			again := merge(c.want, known(c.report, 5), at(101))
			require.Equal(t, c.want, again, "a report about another state changes nothing")
		})
	}
}

func TestEndOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure *backstop.Failure
		counts  Counts
		probe   verdict // of a circuit that is open for unknown ends
	}{
		"accepted":              {nil, Counts{Calls: 1}, verdict{kind: closes}},
		"rejected":              {&backstop.Failure{Kind: backstop.Rejected}, Counts{Calls: 1}, verdict{kind: closes}},
		"refused as recipient":  {&backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault}, Counts{Calls: 1}, verdict{kind: closes}},
		"refused as account":    {&backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault}, Counts{Calls: 1, Faults: 1}, verdict{kind: opens, reason: AccountFaults}},
		"down":                  {&backstop.Failure{Kind: backstop.Unavailable}, Counts{Calls: 1, Unavailable: 1}, verdict{kind: opens, reason: Down}},
		"the sender is wrong":   {&backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, IsNarrow: true}, Counts{}, verdict{kind: opens, reason: UnknownEnds}},
		"down for this message": {&backstop.Failure{Kind: backstop.Unavailable, IsNarrow: true}, Counts{}, verdict{kind: opens, reason: UnknownEnds}},
		"throttled":             {&backstop.Failure{Kind: backstop.Throttled}, Counts{}, verdict{kind: opens, reason: UnknownEnds}},
		"unknown":               {&backstop.Failure{Kind: backstop.Unknown}, Counts{Calls: 1, Unknown: 1}, verdict{kind: opens, reason: UnknownEnds}},
	} {
		require.Equal(t, c.counts, endOf(c.failure).counts(), name)
		require.Equal(t, c.probe, endOf(c.failure).probeVerdict(UnknownEnds), name)
	}
}

func TestStreak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ends []end
		want Reason
	}{
		"four":                       {[]end{endsDown, endsDown, endsDown, endsFault}, ""},
		"five":                       {[]end{endsDown, endsDown, endsDown, endsFault, endsFault}, Down},
		"five, most of them faults":  {[]end{endsDown, endsFault, endsDown, endsFault, endsFault}, AccountFaults},
		"one well between":           {[]end{endsDown, endsDown, endsDown, endsDown, endsWell, endsDown}, ""},
		"unknown ones count neither": {[]end{endsDown, endsDown, endsUnknown, endsDown, endsNeutral, endsDown}, ""},
		"unknown ones do not end it": {[]end{endsDown, endsDown, endsUnknown, endsDown, endsNeutral, endsDown, endsDown}, Down},
	} {
		var s streak
		for _, e := range c.ends {
			s.add(e)
		}
		require.Equal(t, c.want, s.reason(), name)
	}
}

// A process that has died must have lost its lease, and one that is slow must not.
func TestProbeLease(t *testing.T) {
	t.Parallel()
	require.Greater(t, probeLease, backstop.CallTimeout)
}
