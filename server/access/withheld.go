package access

import (
	"encoding/json"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Consents are the forms of consent that the record holds, as far as this server
// has heard of them. What a form that it has not heard of withholds is decided
// against everybody: a Consent that another server takes withholds too much for a
// moment, never too little. The zero value has heard of none.
type Consents struct {
	Clock func() time.Time // time.Now if nil
	forms atomic.Pointer[map[string]*Form]
}

// Know replaces the forms, by their hash.
func (k *Consents) Know(forms map[string]*Form) { k.forms.Store(&forms) }

// Known are the forms, by their hash.
func (k *Consents) Known() map[string]*Form {
	if k == nil || k.forms.Load() == nil {
		return nil
	}
	return *k.forms.Load()
}

func (k *Consents) now() int64 {
	if k == nil || k.Clock == nil {
		return time.Now().UnixMicro()
	}
	return k.Clock().UnixMicro()
}

// Unwithheld is met by what no Consent in force withholds from the caller. A
// Consent is about what is about its patient, and about what is about nobody in a
// case of the patient. It withholds nothing from the patient and from whoever gave
// it, and never itself (NeverWithheld).
type Unwithheld struct {
	Now    int64    // in microseconds
	Giver  string   // the caller, where that is a patient or a representative
	Passed []string // hashes of forms that withhold nothing from the caller
	Parts  []HeldPart
}

// HeldPart are forms that withhold from the caller what meets a condition.
type HeldPart struct {
	Forms []string
	What  Condition
}

func (Unwithheld) predicate() {}

// GoString is the same whatever the time and the consents are, so that the links
// of a page stay good: what they lead to is judged anew.
func (Unwithheld) GoString() string { return "access.Unwithheld" }

// NeverWithheld are types that no Consent is about: who may read a Consent
// otherwise sees why he sees nothing else, and can have it changed.
var NeverWithheld = append(slices.Clone(Directory), "Consent")

// Shared are types of which what is about nobody is the cases' in common.
var Shared = []string{"Device", "Substance"}

// mostParts bounds the conditions of one question; what is beyond them is withheld.
const mostParts = 100

// unwithheld is what the consents leave to the caller.
func (c *Context) unwithheld(v Verb, emergency bool) Unwithheld {
	known := c.Consents.Known()
	u := Unwithheld{Now: c.Consents.now()}
	if c.Kind == Patient {
		u.Giver = c.Principal
	}
	a := &asking{c: c, verb: v, now: u.Now, emergency: emergency}
	at := map[string]int{}
	for _, hash := range slices.Sorted(maps.Keys(known)) {
		what := a.denied(known[hash])
		value, constant := what.constant()
		switch {
		case constant && !value:
			u.Passed = append(u.Passed, hash)
		case !constant:
			u.part(at, hash, what)
		}
	}
	return u
}

func (u *Unwithheld) part(at map[string]int, hash string, what Condition) {
	key, _ := json.Marshal(what) // it has texts and numbers alone
	i, there := at[string(key)]
	switch {
	case !there && len(u.Parts) == mostParts:
		return
	case !there:
		i = len(u.Parts)
		at[string(key)] = i
		u.Parts = append(u.Parts, HeldPart{What: what})
	}
	u.Parts[i].Forms = append(u.Parts[i].Forms, hash)
}

// unheld is what of a reach the patients' consents leave. The operator and the
// server are bound by none.
func (c *Context) unheld(v Verb, reach Predicate, emergency bool) Predicate {
	switch reach.(type) {
	case Everything, Nothing:
		return reach
	}
	return AllOf{reach, c.unwithheld(v, emergency)}
}
