package health

import "github.com/backstophq/backstop"

// end is what the end of a call says of its account.
type end int

const (
	endsWell    end = iota // the provider answered: it took the message, or refused it for a reason of the message
	endsNeutral            // throttled, or not taken because of this message or its sender: neither well nor a failure
	endsFault
	endsDown
	endsUnknown
)

func endOf(f *backstop.Failure) end {
	if f == nil {
		return endsWell
	}
	switch f.Kind {
	case backstop.Rejected:
		switch {
		case f.Class != backstop.AccountFault:
			return endsWell
		case f.IsNarrow:
			return endsNeutral
		}
		return endsFault
	case backstop.Unavailable:
		if f.IsNarrow {
			return endsNeutral
		}
		return endsDown
	case backstop.Throttled:
		return endsNeutral
	case backstop.Unknown:
	}
	return endsUnknown
}

func (e end) counts() Counts {
	switch e {
	case endsNeutral:
		return Counts{}
	case endsFault:
		return Counts{Calls: 1, Faults: 1}
	case endsDown:
		return Counts{Calls: 1, Unavailable: 1}
	case endsUnknown:
		return Counts{Calls: 1, Unknown: 1}
	case endsWell:
	}
	return Counts{Calls: 1}
}

// probeVerdict is what the end of a probe decides. Only a call that ends well closes the circuit. After a neutral one the circuit
// stays open for its current reason.
func (e end) probeVerdict(current Reason) verdict {
	switch e {
	case endsWell:
		return verdict{kind: closes}
	case endsFault:
		return verdict{kind: opens, reason: AccountFaults}
	case endsDown:
		return verdict{kind: opens, reason: Down}
	case endsUnknown:
		return verdict{kind: opens, reason: UnknownEnds}
	case endsNeutral:
	}
	return verdict{kind: opens, reason: current}
}

// streak is the newest ends of calls in this process that are failures in a row.
type streak struct{ failures, faults int }

// add counts an end. A call that ends well ends the streak. An unknown or neutral end is no proof of either, and changes nothing.
func (s *streak) add(e end) {
	switch e {
	case endsWell:
		*s = streak{}
	case endsFault:
		s.failures++
		s.faults++
	case endsDown:
		s.failures++
	case endsNeutral, endsUnknown:
	}
}

// reason returns why the streak opens a circuit, or "".
func (s *streak) reason() Reason {
	switch {
	case s.failures < failuresInRow:
		return ""
	case 2*s.faults > s.failures:
		return AccountFaults
	}
	return Down
}
