package search

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/server/access"
)

// Parameter is a search parameter as it applies to one resource type.
type Parameter struct {
	Code    string
	Type    string // number, date, string, token, reference, composite, quantity, uri, special
	Base    string // the type that the Key is made of: "Patient", or "Resource" for all types
	Key     Key
	Targets []string // types that a reference can point to; empty means any
	URL     string   // of its definition
	// Served tells whether the server indexes it. The others are known and
	// refused by name.
	Served bool
	// Building says that rows are made, but not yet there for all resources, so
	// that it is not served.
	Building bool

	indexed bool // rows are made of it
	sortKey Key
	exact   bool         // tokens whose case counts, all of them
	bare    bool         // tokens without system: ContactPoint, uri, boolean, string, id
	systems []string     // code systems that are implied by the bindings
	codes   bool         // plain codes are among the tokens
	typed   bool         // identifiers are among the tokens: :of-type
	parts   []*Parameter // of a composite
}

// Registry holds the search parameters of a model, compiled. It is immutable
// and safe for concurrent use.
type Registry struct {
	model   *schema.Model
	types   map[string]*typeIndex
	base    string
	zone    *time.Location
	count   int
	most    int
	cursors *cursors
	units   *units
	codes   Codes               // nil: no :in, :not-in, :above, :below
	paths   map[[2]string]*path // by base and source, while compiling
	format  int                 // of the rows that the database has
	kept    *memory
	sight   Sight                // nil: nothing is shown in part
	looked  map[Key]access.Level // by the key of a parameter, where it is known
}

type typeIndex struct {
	byCode     map[string]*Parameter
	params     []*Parameter
	bySource   map[string]*path
	byProperty map[string][]*path
	always     []*path
	composites []*composite
	foci       []*sharedFocus // of the composites
	near       *Parameter
}

// Option adjusts a Registry.
type Option func(*Registry)

// WithBase names the server's own FHIR base URL, so that absolute references to
// it are known as local.
func WithBase(url string) Option { return func(r *Registry) { r.base = strings.TrimRight(url, "/") } }

// WithZone is the time zone of dates that name none; UTC without it.
func WithZone(zone *time.Location) Option { return func(r *Registry) { r.zone = zone } }

// WithPages sets the page size when _count is absent and the largest one.
func WithPages(count, most int) Option { return func(r *Registry) { r.count, r.most = count, most } }

// WithCursorKey is the secret under which page cursors are sealed. Servers that
// answer for each other need the same one; without it a random one is made, and
// cursors end with the process.
func WithCursorKey(secret []byte) Option {
	return func(r *Registry) { r.cursors = newCursors(secret) }
}

// NewRegistry compiles the search parameters of the model. It fails when an
// expression does not compile or two parameters have the same Key.
func NewRegistry(m *schema.Model, options ...Option) (*Registry, error) {
	r := &Registry{model: m, types: map[string]*typeIndex{}, zone: time.UTC, count: 50, most: 1000, units: newUnits(), format: Format, kept: &memory{}, paths: map[[2]string]*path{}}
	for _, option := range options {
		option(r)
	}
	if r.cursors == nil {
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		r.cursors = newCursors(secret)
	}
	for _, typ := range m.Resources() {
		r.types[typ] = &typeIndex{byCode: map[string]*Parameter{}, bySource: map[string]*path{}, byProperty: map[string][]*path{}}
	}
	keys := &keyring{own: map[Key]string{}}
	for _, sp := range m.SearchParameters() {
		if example(sp.URL) {
			continue
		}
		for _, base := range sp.Base {
			if err := r.add(sp, base, keys); err != nil {
				return nil, err
			}
		}
	}
	if err := r.addTexts(keys); err != nil {
		return nil, err
	}
	if err := r.composeAll(m, keys); err != nil {
		return nil, err
	}
	for _, t := range r.types {
		slices.SortFunc(t.params, func(a, b *Parameter) int { return cmp.Compare(a.Code, b.Code) })
	}
	r.paths = nil
	return r, nil
}

// example tells the definitions that HL7 publishes as illustrations; two of
// them would redefine _id and Condition.subject.
func example(url string) bool {
	return strings.HasPrefix(url[strings.LastIndexByte(url, '/')+1:], "example")
}

func (r *Registry) add(sp schema.SearchParameter, base string, keys *keyring) error {
	p := &Parameter{Code: sp.Code, Type: sp.Type, Base: base, Key: KeyOf(base, sp.Code), Targets: sp.Target, URL: sp.URL}
	p.Served = sp.Expression != "" && sp.Type != "composite" && sp.Type != "special"
	p.indexed, p.sortKey = p.Served, p.Key
	if err := claim(keys, p); err != nil {
		return err
	}
	r.learn(sp, p)
	r.see(sp, p)
	if base != "Resource" && base != "DomainResource" {
		if t := r.types[base]; t != nil {
			return r.addTo(t, base, sp, p)
		}
		return nil
	}
	for typ, t := range r.types {
		if err := r.addTo(t, typ, sp, p); err != nil {
			return err
		}
	}
	return nil
}

// addTo adds the parameter to one type.
func (r *Registry) addTo(t *typeIndex, typ string, sp schema.SearchParameter, p *Parameter) error {
	if t.byCode[p.Code] != nil {
		return fmt.Errorf("search: %s has two parameters %q", typ, p.Code)
	}
	t.byCode[p.Code] = p
	t.params = append(t.params, p)
	if err := r.place(t, typ, sp, p); err != nil {
		return fmt.Errorf("search: %s: %w", sp.URL, err)
	}
	return nil
}

// claim refuses two parameters with one Key; the derived keys count too.
func claim(keys *keyring, p *Parameter) error {
	for _, code := range []string{p.Code, p.Code + identifierKey, p.Code + ofTypeKey, p.Code + sortKey, p.Code + textKey} {
		name, key := p.Base+"."+code, KeyOf(p.Base, code)
		if other, taken := keys.owner(key); taken && other != name || key == 0 { // 0 stands for no rows
			return fmt.Errorf("search: the keys of %s and %s collide", other, name)
		}
		keys.give(key, name)
	}
	return nil
}

// keyring tells whose a key is.
type keyring struct {
	given map[Key]string // not to be written to
	own   map[Key]string
}

func (k *keyring) owner(key Key) (name string, taken bool) {
	if name, taken = k.given[key]; !taken {
		name, taken = k.own[key]
	}
	return name, taken
}

func (k *keyring) give(key Key, name string) {
	if k.own == nil {
		k.own = map[Key]string{}
	}
	k.own[key] = name
}

// Names behind which a parameter keeps rows for one purpose only.
const (
	identifierKey = ":identifier" // token rows of Reference.identifier
	ofTypeKey     = ":of-type"    // token rows of Identifier.type
	sortKey       = ":sort"       // string rows of whole names, to sort by
	textKey       = ":text"       // string rows of what people read of a token
)

// learn finds out from the element types what values the parameter has.
func (r *Registry) learn(sp schema.SearchParameter, p *Parameter) {
	switch p.Type {
	case "token":
		r.learnTokens(sp, p)
	case "reference":
		p.Targets = targets(r.model, sp, p.Base)
	case "string":
		if r.names(sp, p) {
			p.sortKey = KeyOf(p.Base, p.Code+sortKey)
		}
	}
}

// learnTokens finds out what kinds of tokens the parameter holds.
func (r *Registry) learnTokens(sp schema.SearchParameter, p *Parameter) {
	p.exact, p.bare = true, true
	for _, source := range alternatives(sp.Expression, p.Base) {
		last, types := element(r.model, source)
		if types == nil {
			p.exact, p.bare = false, false
		}
		for _, ref := range types {
			p.exact = p.exact && slices.Contains([]string{"code", "id", "boolean", "uri"}, ref.Code)
			p.bare = p.bare && (ref.Code == "ContactPoint" || ref.Code == "uri")
			p.codes = p.codes || ref.Code == "code"
			p.typed = p.typed || ref.Code == "Identifier"
		}
		if last == nil || last.Binding == nil {
			continue
		}
		for _, system := range r.model.Systems(last.Binding.ValueSet) {
			p.systems = append(p.systems, system.URL)
		}
	}
}

// names tells whether the parameter holds whole or family names, which are
// sorted as wholes although their parts are found one by one.
func (r *Registry) names(sp schema.SearchParameter, p *Parameter) bool {
	for _, source := range alternatives(sp.Expression, p.Base) {
		_, types := element(r.model, source)
		name := slices.ContainsFunc(types, func(t schema.TypeRef) bool { return t.Code == "HumanName" })
		if name || strings.HasSuffix(source, ".name.family") {
			return true
		}
	}
	return false
}

// place files the paths of a parameter under every JSON property that can make
// them yield rows. _id and _lastUpdated need none.
func (r *Registry) place(t *typeIndex, typ string, sp schema.SearchParameter, p *Parameter) error {
	if !p.indexed || p.Code == "_id" || p.Code == "_lastUpdated" {
		return nil
	}
	for _, alternative := range alternatives(sp.Expression, p.Base) {
		part, source := newPart(p, alternative)
		known := t.bySource[source]
		if known == nil {
			shared, err := r.compiled(p.Base, source)
			if err != nil {
				return err
			}
			known = &path{source: source, expr: shared.expr, plain: shared.plain, property: shared.property, posted: shared.posted}
			t.bySource[source] = known
			r.file(t, typ, known)
		}
		known.parts = append(known.parts, part)
	}
	return nil
}

// compiled compiles an expression once for all types that share it.
func (r *Registry) compiled(base, source string) (*path, error) {
	key := [2]string{base, source}
	if p := r.paths[key]; p != nil {
		return p, nil
	}
	p, err := newPath(r.model, base, source)
	r.paths[key] = p
	return p, err
}

func (r *Registry) file(t *typeIndex, typ string, p *path) {
	if p.property == "" {
		t.always = append(t.always, p)
		return
	}
	element := r.model.Type(typ).Choice(p.property)
	if element == nil || !element.Choice {
		t.byProperty[p.property] = append(t.byProperty[p.property], p)
		return
	}
	for _, ref := range element.Types {
		t.byProperty[ref.JSONName] = append(t.byProperty[ref.JSONName], p)
	}
}

// Parameters lists what can be said of a type in a query, sorted by code, those
// that are not served included; nil for an unknown type. Not to be written to.
func (r *Registry) Parameters(typ string) []*Parameter {
	if t := r.types[typ]; t != nil {
		return t.params
	}
	return nil
}

// parameter finds a parameter of a type, or nil.
func (r *Registry) parameter(typ, code string) *Parameter {
	if t := r.types[typ]; t != nil {
		return t.byCode[code]
	}
	return nil
}

func unknownType(typ string) *issue.Failure {
	return issue.Errorf(issue.NotSupported, "%q is not a resource type of FHIR R4.", typ).
		Rule("unknown-type").Chinese("FHIR R4 没有资源类型 " + typ + "。")
}
