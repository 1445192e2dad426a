package access

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// Verbs is a set of verbs, in the letters of SMART: c, r, u, d, s.
type Verbs uint8

// verbLetters are the letters in the order that the grammar demands.
const verbLetters = "cruds"

// letterOf is the letter of a verb.
var letterOf = map[Verb]byte{Create: 'c', Read: 'r', Update: 'u', Delete: 'd', Search: 's'}

// Has tells whether a verb is in the set.
func (v Verbs) Has(verb Verb) bool {
	letter, known := letterOf[verb]
	return known && v&(1<<strings.IndexByte(verbLetters, letter)) != 0
}

// String is the set in letters, "rs".
func (v Verbs) String() string {
	var b strings.Builder
	for i := range verbLetters {
		if v&(1<<i) != 0 {
			b.WriteByte(verbLetters[i])
		}
	}
	return b.String()
}

// verbs1 are the permissions of SMART 1.0.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
var verbs1 = map[string]string{"read": "rs", "write": "cud", "*": "cruds"}

// The first part of a scope: whose data it is about.
const (
	PatientScope = "patient" // of the one patient in context
	UserScope    = "user"    // what the person reaches
	SystemScope  = "system"  // what the machine reaches
)

// Scope is one permission that an app was given on resources of a type.
type Scope struct {
	For   string // PatientScope, UserScope or SystemScope
	Type  string // a resource type, or "*"
	Verbs Verbs
	// Params narrow it to resources that a search by them would find.
	Params []ScopeParam
	// Condition is what Params mean, compiled by the room that knows search and
	// understood by the store alone. With Params and without it nothing is met.
	Condition any
}

// ScopeParam is one name=value of a scope.
type ScopeParam struct{ Name, Value string }

// mostParams bounds the parameters of one scope, longestScope its text.
const (
	mostParams   = 8
	longestScope = 512
)

// ParseScope reads (patient|user|system)/(Type|*).cruds?name=value or its form
// of SMART 1.0. It does not know whether the type exists.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
func ParseScope(text string) (Scope, error) {
	fail := func(why string) (Scope, error) {
		return Scope{}, fmt.Errorf("scope %q: %s", clipScope(text), why)
	}
	if len(text) > longestScope {
		return fail("it is too long")
	}
	whose, rest, ok := strings.Cut(text, "/")
	if !ok || whose != PatientScope && whose != UserScope && whose != SystemScope {
		return fail("it begins with neither patient/ nor user/ nor system/")
	}
	head, query, narrowed := strings.Cut(rest, "?")
	typ, letters, ok := strings.Cut(head, ".")
	if !ok || typ != "*" && !typeName(typ) {
		return fail("it names no resource type")
	}
	one, isOld := verbs1[letters]
	if isOld && narrowed {
		return fail("parameters follow permissions of version 2 only, such as rs")
	}
	if isOld {
		letters = one
	}
	s := Scope{For: whose, Type: typ}
	if s.Verbs, ok = readVerbs(letters); !ok {
		return fail("the permissions are letters of cruds in this order")
	}
	if !narrowed {
		return s, nil
	}
	if typ == "*" {
		return fail("parameters need a resource type")
	}
	var err error
	if s.Params, err = readParams(query); err != nil {
		return fail(err.Error())
	}
	return s, nil
}

func readVerbs(letters string) (v Verbs, ok bool) {
	last := -1
	for i := range len(letters) {
		at := strings.IndexByte(verbLetters, letters[i])
		if at <= last {
			return 0, false
		}
		v, last = v|1<<at, at
	}
	return v, letters != ""
}

// readParams takes plain parameters alone: a modifier, a chain or _filter would
// make the scope say more than the person reads on the page where it is granted.
func readParams(query string) ([]ScopeParam, error) {
	var params []ScopeParam
	for part := range strings.SplitSeq(query, "&") {
		rawName, rawValue, ok := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		switch {
		case !ok || err != nil || err2 != nil || name == "" || value == "":
			return nil, fmt.Errorf("a parameter is name=value")
		case strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' }):
			return nil, fmt.Errorf("the parameter %q has a modifier or a chain, or is one of all resources", clipScope(name))
		case len(params) == mostParams:
			return nil, fmt.Errorf("it has more than %d parameters", mostParams)
		}
		params = append(params, ScopeParam{name, value})
	}
	return params, nil
}

func typeName(s string) bool {
	return s != "" && s[0] >= 'A' && s[0] <= 'Z' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func clipScope(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// String is the scope in the grammar of version 2.
func (s Scope) String() string {
	var b strings.Builder
	b.WriteString(s.For + "/" + s.Type + "." + s.Verbs.String())
	for i, p := range s.Params {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value))
	}
	return b.String()
}

// covers tells whether the scope is about a verb on a type; "" is any type.
func (s *Scope) covers(v Verb, typ string) bool {
	return s.Verbs.Has(v) && (s.Type == "*" || s.Type == typ || typ == "")
}

// Scopes are what an app may do in the name of its user, or as a machine. They
// only ever take away: the reach of the principal still holds.
type Scopes struct {
	List    []Scope
	Patient string // "Patient/x" in context, "" where there is none
	Client  string // the app
	Grant   string // what was granted to it, for what outlives a request
}

// Permits tells whether some scope covers the verb on the type; "" is any type.
// Without Scopes no app is between, and nothing is taken away.
func (c *Context) Permits(v Verb, typ string) bool {
	return c != nil && (c.Scopes == nil || slices.ContainsFunc(c.Scopes.List, func(s Scope) bool { return s.covers(v, typ) }))
}

// Permit refuses what no scope covers: 403, since the app knows what it was
// granted and nothing is said of any resource.
// https://www.rfc-editor.org/rfc/rfc6750#section-3.1
func (c *Context) Permit(v Verb, typ string) error {
	if c.Permits(v, typ) {
		return nil
	}
	if c == nil {
		return issue.Errorf(issue.Login, "This request needs a token.").Rule("no-token").Chinese("请先登录。")
	}
	if typ == "" {
		typ = "*"
	}
	return issue.Errorf(issue.Forbidden, "The token of this app has no scope to %s %s: ask for one such as %s/%s.%c.", wordOf[v], typ, c.Scopes.usual(), typ, letterOf[v]).
		Rule(InsufficientScope).Chinese("该应用的授权范围不允许此操作。")
}

// InsufficientScope is the rule of refusals for want of a scope.
const InsufficientScope = "insufficient-scope"

var wordOf = map[Verb]string{Create: "create", Read: "read", Update: "update", Delete: "delete", Search: "search"}

func (s *Scopes) usual() string {
	if len(s.List) > 0 {
		return s.List[0].For
	}
	return UserScope
}

// PermitAll refuses an app that may not do this with whatever the principal
// reaches: what answers for a whole case or a whole server asks for it.
func (c *Context) PermitAll(v Verb) error {
	if c != nil && c.Scopes != nil && !slices.ContainsFunc(c.Scopes.List, func(s Scope) bool {
		return s.Type == "*" && s.For != PatientScope && s.Verbs.Has(v)
	}) {
		return issue.Errorf(issue.Forbidden, "This answers with resources of many types: the token of the app needs a scope such as user/*.%c.", letterOf[v]).
			Rule(InsufficientScope).Chinese("该应用的授权范围不允许此操作。")
	}
	return nil
}

// NoApp refuses whoever comes with the token of an app: what acts later, or by
// another way, would not be bound by its scopes.
func (c *Context) NoApp() error {
	if c != nil && c.Scopes != nil {
		return issue.Errorf(issue.Forbidden, "This cannot be done with the token of an app.").Rule(InsufficientScope).Chinese("应用令牌不能执行此操作。")
	}
	return nil
}

// Confine refuses a write by which an app would leave the patient in its context:
// about is "Patient/x" of the resource as it will be, "" for none.
func (c *Context) Confine(v Verb, typ, about string) error {
	if c == nil || c.Scopes == nil {
		return nil
	}
	for _, s := range c.Scopes.List {
		if s.covers(v, typ) && len(s.Params) == 0 && (s.For != PatientScope || about != "" && about == c.Scopes.Patient) {
			return nil
		}
	}
	return issue.Errorf(issue.Forbidden, "The token of this app may write a %s about the patient in its context only.", typ).
		Rule(InsufficientScope).Chinese("该应用仅可写入当前患者的数据。")
}

// predicate is what the scopes leave of everything, for a verb.
func (s *Scopes) predicate(v Verb) Predicate {
	var any AnyOf
	for i := range s.List {
		if one := &s.List[i]; one.Verbs.Has(v) {
			any = append(any, s.of(one))
		}
	}
	return any
}

func (s *Scopes) of(one *Scope) Predicate {
	var all AllOf
	if one.Type != "*" {
		all = append(all, TypeIn{one.Type})
	}
	if one.For == PatientScope {
		all = append(all, AnyOf{About{s.Patient}, TypeIn(Directory)})
	}
	if len(one.Params) > 0 {
		all = append(all, Matching{Type: one.Type, Condition: one.Condition})
	}
	return all
}
