package casework

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tenon/fhir/tree"
	"tenon/fhir/ucum"
	"tenon/profiles"
)

const (
	systemLimit        = "urn:tenon:limit"
	extensionExclusive = extensionPrefix + "exclusive" // of a qualifiedInterval: low, high or both ends do not belong to it
	extensionVersion   = extensionPrefix + "version"   // of a definition whose type has no version in R4
)

// limit is what a value is held against: data, one ObservationDefinition each.
// The three accuracy figures of the sources (0.1 mm of a device, 0.5 mm of a
// stump scan, 50 µm of a process) are three limits, and none stands in for
// another (stages.md §7.9).
// https://hl7.org/fhir/R4/observationdefinition.html
type limit struct {
	id            string
	unit          string // UCUM
	text, chinese string
	clauses       []string
	proposal      bool // the figure is a proposal, not one that a source states
	bounds        bounds
	rules         []input // the definitions that it was made of
}

// bounds are an interval; nil ends are open.
type bounds struct {
	low, high         *big.Rat
	lowOpen, highOpen bool // the end itself does not belong to it
}

func (b bounds) configured() bool { return b.low != nil || b.high != nil }

// verdict is what is said of one thing that is judged.
type verdict string

// notEvaluated is never a yes: what was not compared with a figure did not pass.
const (
	conform      verdict = "conform"
	nonconform   verdict = "nonconform"
	notEvaluated verdict = "not-evaluated"
)

// readLimit reads an ObservationDefinition. The unit is one of UCUM, the ends of
// the interval convert to it. An interval that is for some people or states only
// (appliesTo, gender, age, condition) is none here: nobody would evaluate that.
func readLimit(root tree.Node) (limit, error) {
	l := limit{
		id: codeOf(root.Field("code"), systemLimit), text: root.Field("preferredReportName").Str(),
		chinese: chineseOf(root.Field("_preferredReportName")), clauses: clauses(root),
		unit:     firstCode(root.Path("quantitativeDetails", "unit"), systemUCUM),
		proposal: valueOf(extension(root, extensionPrefix+"proposal")).Bool(),
	}
	if l.id == "" {
		return l, fmt.Errorf("it has no code of %s", systemLimit)
	}
	if !ucum.Valid(l.unit) || l.unit == "" {
		return l, fmt.Errorf("limit %s: the unit %q is none of UCUM", l.id, l.unit)
	}
	for interval := range root.Field("qualifiedInterval").Items() {
		if qualified(interval) {
			continue
		}
		f, fault := rangeOf(interval.Field("range"))
		if fault.english != "" {
			return l, fmt.Errorf("limit %s: %s", l.id, fault.english)
		}
		f, ok := f.in(l.unit)
		if !ok {
			return l, fmt.Errorf("limit %s: the interval does not convert to %s", l.id, l.unit)
		}
		open := valueOf(extension(interval, extensionExclusive)).Str()
		l.bounds = l.bounds.and(bounds{f.low, f.high, open == "low" || open == "both", open == "high" || open == "both"})
	}
	return l, nil
}

func qualified(interval tree.Node) bool {
	return slices.ContainsFunc([]string{"appliesTo", "gender", "age", "gestationalAge", "condition"}, func(name string) bool {
		return interval.Field(name).Exists()
	})
}

func firstCode(concept tree.Node, system string) string {
	for coding := range concept.Field("coding").Items() {
		if coding.Field("system").Str() == system {
			return coding.Field("code").Str()
		}
	}
	return ""
}

// and is what both allow: the stricter of either end.
func (b bounds) and(o bounds) bounds {
	if o.low != nil {
		switch c := compare(b.low, o.low); {
		case b.low == nil || c < 0:
			b.low, b.lowOpen = o.low, o.lowOpen
		case c == 0:
			b.lowOpen = b.lowOpen || o.lowOpen
		}
	}
	if o.high != nil {
		switch c := compare(b.high, o.high); {
		case b.high == nil || c > 0:
			b.high, b.highOpen = o.high, o.highOpen
		case c == 0:
			b.highOpen = b.highOpen || o.highOpen
		}
	}
	return b
}

func compare(a, b *big.Rat) int {
	if a == nil || b == nil {
		return 0
	}
	return a.Cmp(b)
}

// holds tells whether a figure, in the unit of the bounds, lies within them. It
// is not known where the figure has an open end that may lie beyond.
func (b bounds) holds(f figure) (inside, known bool) {
	below := b.low != nil && f.high != nil && (f.high.Cmp(b.low) < 0 || b.lowOpen && f.high.Cmp(b.low) == 0)
	above := b.high != nil && f.low != nil && (f.low.Cmp(b.high) > 0 || b.highOpen && f.low.Cmp(b.high) == 0)
	if below || above {
		return false, true
	}
	if b.low != nil && f.low == nil || b.high != nil && f.high == nil {
		return false, false
	}
	low := b.low == nil || f.low.Cmp(b.low) > 0 || !b.lowOpen && f.low.Cmp(b.low) == 0
	high := b.high == nil || f.high.Cmp(b.high) < 0 || !b.highOpen && f.high.Cmp(b.high) == 0
	return low && high, true
}

// String writes the bounds as "0.1 … 0.5", "> 0 …".
func (b bounds) String() string {
	low, high := "", ""
	if b.low != nil {
		low = map[bool]string{true: "> ", false: ""}[b.lowOpen] + decimal(b.low)
	}
	if b.high != nil {
		high = map[bool]string{true: "< ", false: ""}[b.highOpen] + decimal(b.high)
	}
	return strings.TrimSpace(low + " … " + high)
}

// judge holds a figure against the limit, and says why not.
func (l *limit) judge(f figure) (verdict, note) {
	if !l.bounds.configured() {
		return notEvaluated, note{fmt.Sprintf("The limit %s is not configured.", l.id), fmt.Sprintf("限值 %s 未配置。", l.id)}
	}
	g, ok := f.in(l.unit)
	if !ok {
		return nonconform, note{fmt.Sprintf("%s does not convert to %s (limit %s).", f.text, l.unit, l.id), fmt.Sprintf("%s 不能换算为 %s（限值 %s）。", f.text, l.unit, l.id)}
	}
	inside, known := l.bounds.holds(g)
	switch {
	case !known:
		return nonconform, note{fmt.Sprintf("%s is too vague for the limit %s (%s %s).", f.text, l.id, l.bounds, l.unit), fmt.Sprintf("%s 不够明确，无法与限值 %s（%s %s）比较。", f.text, l.id, l.bounds, l.unit)}
	case !inside:
		return nonconform, note{fmt.Sprintf("%s is not within the limit %s (%s %s).", f.text, l.id, l.bounds, l.unit), fmt.Sprintf("%s 超出限值 %s（%s %s）。", f.text, l.id, l.bounds, l.unit)}
	}
	return conform, note{}
}

// embeddedLimits are those of the guide, by id.
var embeddedLimits = sync.OnceValues(func() (map[string]limit, error) {
	all := map[string]limit{}
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil {
			return nil, err
		}
		root := doc.Root()
		if root.Field("resourceType").Str() != "ObservationDefinition" {
			continue
		}
		l, err := readLimit(root)
		if err != nil {
			return nil, fmt.Errorf("casework: ObservationDefinition/%s: %w", root.Field("id").Str(), err)
		}
		sum := sha256.Sum256(body)
		l.rules = []input{{
			Reference: "urn:tenon:limit:" + l.id, Version: valueOf(extension(root, extensionVersion)).Str(), SHA256: hex.EncodeToString(sum[:]),
		}}
		all[l.id] = l
	}
	return all, nil
})

// limit is the limit of that id as it holds for the case: that of the guide, and
// what the hospital's own definitions (Snapshot.Directory) add. They configure
// what the source leaves open and may be stricter where it does not; they never
// loosen a figure that the source states.
func (v *view) limit(id string) (limit, bool) {
	if l, ok := v.limits[id]; ok {
		return l, true
	}
	embedded, err := embeddedLimits()
	if err != nil {
		return limit{}, false
	}
	l, ok := embedded[id]
	if !ok {
		return limit{}, false
	}
	l.rules = slices.Clone(l.rules)
	for i := range v.s.Directory {
		r := &v.s.Directory[i]
		if r.Type != "ObservationDefinition" || !hasCode(r.Root.Field("code"), systemLimit, id) || r.Author == writtenByServer {
			continue
		}
		l.add(r)
	}
	v.limits[id] = l
	return l, true
}

// add takes a definition of the hospital in. One that cannot be read, or whose
// unit does not convert, leaves the limit without figures: nothing passes by a
// definition that nobody understands.
func (l *limit) add(r *Resource) {
	l.rules = append(l.rules, inputOf(r))
	own, err := readLimit(r.Root)
	if err == nil {
		f, ok := figure{low: own.bounds.low, high: own.bounds.high, unit: own.unit}.in(l.unit)
		if ok && l.proposal && own.bounds.configured() {
			l.proposal, l.bounds = false, bounds{}
		}
		if ok {
			l.bounds = l.bounds.and(bounds{f.low, f.high, own.bounds.lowOpen, own.bounds.highOpen})
			return
		}
	}
	l.bounds = bounds{}
}

// input is what a verdict rests on: one version of one resource or definition.
type input struct {
	Reference string // Type/id, or the canonical of a definition of the guide
	Version   string
	SHA256    string // of the stored bytes, lower-case hex
}

func inputOf(r *Resource) input {
	return input{Reference: r.Ref(), Version: strconv.FormatInt(r.Version, 10), SHA256: hex.EncodeToString(r.Digest[:])}
}
