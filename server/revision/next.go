package revision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/server/search"
)

// loadTimeout bounds one read of a definition's bytes.
const loadTimeout = 10 * time.Second

// next makes the Revision of what the database holds now. What has not changed
// is taken over from the current one, compiled plans included.
func (k *Keeper) next(ctx context.Context, held *Held) (*Revision, error) {
	now := k.current.Load()
	p := &parts{base: k.o.Base, under: k.o.Base, model: k.o.Model, search: k.o.Search, posted: map[name]*posted{}, format: held.Format}
	was := &parts{}
	if now != nil {
		was = now.parts
		p.under = was.under
	}
	packages, err := k.loadPackages(ctx, p, was, held)
	if err != nil {
		return nil, err
	}
	definitions, parameters, err := k.loadPosted(ctx, p, was, held)
	if err != nil {
		return nil, err
	}
	p.systems = held.Systems
	systems := !slices.Equal(was.systems, p.systems)
	if len(p.systems) > 0 {
		p.source = &source{store: k.o.Store, systems: p.systems}
	}
	if now != nil && !packages && !systems && !definitions {
		p.source = was.source
		same := *now
		same.Number, same.parts = held.Number, p
		if parameters || p.format != was.format {
			same.searchable()
		}
		return &same, nil
	}
	made := p.revision(held.Number, now)
	return made, k.unused(ctx, made, was)
}

// unused tells of search parameters that cannot be used, and takes back that
// their rows are there: from now on none are made. Whoever brings one into use
// again does so under a later revision, and so after this.
func (k *Keeper) unused(ctx context.Context, made *Revision, was *parts) error {
	var forgotten []Posted
	for at, a := range made.added {
		d := made.parts.posted[at]
		if a.Failure == nil {
			continue
		}
		if issue.As(a.Failure) == nil {
			return a.Failure
		}
		if d.rows != 0 {
			forgotten = append(forgotten, d.Posted)
			d.rows = 0
		}
		if old := was.posted[at]; old == nil || old.Version != d.Version { // else told when it came
			k.o.Log.Warn("search parameter is not used", "resource", at.typ+"/"+at.id)
		}
	}
	if len(forgotten) == 0 || k.o.ReadOnly {
		return nil
	}
	return k.o.Store.ForgetComplete(ctx, forgotten)
}

func (k *Keeper) loadPackages(ctx context.Context, p, was *parts, held *Held) (changed bool, err error) {
	p.packages = held.Packages
	same := func(a, b Package) bool { return a.Key == b.Key }
	if slices.EqualFunc(was.packages, p.packages, same) {
		p.loaded = was.loaded
		return false, nil
	}
	p.loaded = make(map[int64][]*definition.Resource, len(p.packages))
	for _, pack := range p.packages {
		resources, ok := was.loaded[pack.Key]
		if !ok {
			if resources, err = k.o.Store.PackageResources(ctx, pack); err != nil {
				return false, fmt.Errorf("revision: package %s: %w", pack, err)
			}
		}
		p.loaded[pack.Key] = resources
	}
	p.withPackages()
	return true, nil
}

// loadPosted reads the posted definitions that are new or changed. parameters
// tells that nothing but the completeness of search parameters has changed.
func (k *Keeper) loadPosted(ctx context.Context, p, was *parts, held *Held) (definitions, parameters bool, err error) {
	complete := map[name]Posted{}
	for at := range held.Complete {
		complete[name{at.Type, at.ID}] = at
	}
	bodies, err := k.bodies(ctx, was, held)
	if err != nil {
		return false, false, err
	}
	for _, at := range held.Posted {
		key := name{at.Type, at.ID}
		d := was.posted[key]
		if d == nil || d.Version != at.Version {
			definitions = true
			if d, err = k.load(ctx, p, at, complete[key], bodies[key.at(at.Version)]); err != nil {
				return false, false, fmt.Errorf("revision: %s/%s: %w", at.Type, at.ID, err)
			}
		}
		rows := int64(0)
		if c, ok := complete[key]; ok && c.Version >= d.since && c.Version <= d.Version {
			rows = held.Complete[c]
		}
		if d.rows != rows {
			again := *d
			again.rows = rows
			d, parameters = &again, true
		}
		p.posted[key] = d
	}
	for key := range maps.Keys(was.posted) {
		definitions = definitions || p.posted[key] == nil
	}
	return definitions, parameters, nil
}

// several is from how many changed definitions on their bytes are read at once.
const several = 16

// version is one version of a posted definition.
type version struct {
	name
	number int64
}

func (n name) at(number int64) version { return version{n, number} }

// bodies reads the bytes of the definitions that are new or changed, where they
// are many: at the start, after an upgrade. A version that is not among them is
// read by itself.
func (k *Keeper) bodies(ctx context.Context, was *parts, held *Held) (map[version][]byte, error) {
	wanted := map[version]bool{}
	for _, at := range held.Posted {
		key := name{at.Type, at.ID}
		if d := was.posted[key]; d == nil || d.Version != at.Version {
			wanted[key.at(at.Version)] = true
		}
	}
	if len(wanted) < several {
		return nil, nil
	}
	all := make(map[version][]byte, len(wanted))
	err := k.o.Store.Bodies(ctx, Types, func(at Posted, body []byte) error {
		if v := (name{at.Type, at.ID}).at(at.Version); wanted[v] {
			all[v] = body
		}
		return nil
	})
	return all, err
}

// mostAlike is how many versions back a parameter is compared with those that
// say the same of its rows.
const mostAlike = 20

// load reads one definition, and how far back a search parameter has said the
// same of its rows: where only its words changed, the rows of the version that
// is complete are its own. body may be nil.
func (k *Keeper) load(ctx context.Context, p *parts, at, complete Posted, body []byte) (_ *posted, err error) {
	if body == nil {
		if body, err = k.o.Store.Body(ctx, at.Type, at.ID, at.Version); err != nil {
			return nil, err
		}
	}
	d, err := p.read(at, body, loader(k.o.Store, at))
	if err != nil || d.parameter == nil || complete.Version < at.Version-mostAlike || complete.Version == 0 {
		return d, err
	}
	for older := at; older.Version > complete.Version; {
		older.Version--
		body, err := k.o.Store.Body(ctx, older.Type, older.ID, older.Version)
		if err != nil {
			return d, nil //nolint:nilerr // expunged: nobody knows what it said
		}
		o, err := p.read(older, body, nil)
		if err != nil || o.parameter == nil || !alike(o.parameter, d.parameter) { // or deleted
			return d, err
		}
		d.since = older.Version
	}
	return d, nil
}

// alike tells whether two versions of a parameter have the same rows.
func alike(a, b *search.Extra) bool {
	return a.Code == b.Code && a.Type == b.Type && a.Expression == b.Expression && slices.Equal(a.Base, b.Base) &&
		slices.Equal(a.Target, b.Target) && slices.Equal(a.Components, b.Components)
}

// source is the imported code systems as terminology reads them.
type source struct {
	store   Store
	systems []System
}

// Systems implements terminology.Source.
func (s *source) Systems() []terminology.Coding {
	out := make([]terminology.Coding, len(s.systems))
	for i, sys := range s.systems {
		out[i] = terminology.Coding{System: sys.URL, Version: sys.Version}
	}
	return out
}

// Identity implements terminology.Identified: an import of the same system has
// another key.
func (s *source) Identity(system, version string) any {
	for _, x := range s.systems {
		if x.URL == system && x.Version == version {
			return x.Key
		}
	}
	return nil
}

// Concepts implements terminology.Source.
func (s *source) Concepts(system, version string, visit func(*terminology.Concept) error) error {
	i := slices.IndexFunc(s.systems, func(x System) bool { return x.URL == system && (version == "" || x.Version == version) })
	if i < 0 {
		return fmt.Errorf("revision: code system %s|%s is not imported", system, version)
	}
	return s.store.Concepts(context.Background(), s.systems[i], visit)
}
