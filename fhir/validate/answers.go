package validate

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"tenon/fhir/terminology"
)

// answers remembers what the terminology server said, so that the codes that
// every resource carries are asked for once. Its size is fixed: a new answer
// takes the place of whatever falls on the same slot.
type answers struct {
	slots [1 << 12]atomic.Pointer[answer]
}

type answer struct {
	valueSet string
	coding   terminology.Coding
	is       terminology.Answer
}

var answerSeed = maphash.MakeSeed()

func (a *answers) ask(t *terminology.Server, valueSet string, c terminology.Coding) terminology.Answer {
	slot := &a.slots[hashCoding(valueSet, c)&uint64(len(a.slots)-1)]
	if known := slot.Load(); known != nil && known.valueSet == valueSet && known.coding == c {
		return known.is
	}
	if len(c.System)+len(c.Version)+len(c.Code)+len(c.Display) > 1<<10 {
		return t.ValidateCode(valueSet, c, nil)
	}
	// The strings of a document must not outlive it.
	c = terminology.Coding{System: strings.Clone(c.System), Version: strings.Clone(c.Version), Code: strings.Clone(c.Code), Display: strings.Clone(c.Display)}
	is := t.ValidateCode(valueSet, c, nil)
	slot.Store(&answer{valueSet: valueSet, coding: c, is: is})
	return is
}

func hashCoding(valueSet string, c terminology.Coding) uint64 {
	h := maphash.String(answerSeed, c.Code)
	h = h*31 + maphash.String(answerSeed, c.System)
	h = h*31 + maphash.String(answerSeed, valueSet)
	h = h*31 + maphash.String(answerSeed, c.Display)
	return h*31 + maphash.String(answerSeed, c.Version)
}
