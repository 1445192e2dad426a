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
)

// loadTimeout bounds one read of a definition's bytes.
const loadTimeout = 10 * time.Second

// next makes the Revision of what the database holds now. What has not changed
// is taken over from the current one, compiled plans included.
func (k *Keeper) next(ctx context.Context, held *Held) (*Revision, error) {
	now := k.current.Load()
	p := &parts{base: k.o.Base, under: k.o.Base, model: k.o.Model, search: k.o.Search, posted: map[name]*posted{}}
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
		if parameters {
			same.Search, _ = p.registry()
			same.Search = same.Search.WithCodes(same.Terminology)
		}
		return &same, nil
	}
	made, failures := p.revision(held.Number, now)
	for at, err := range failures {
		if f := issue.As(err); f == nil {
			return nil, err
		}
		if old := was.posted[at]; old != nil && old.Version == p.posted[at].Version {
			continue // told when it came
		}
		k.o.Log.Warn("search parameter is not used", "resource", at.typ+"/"+at.id)
	}
	return made, nil
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
	for _, at := range held.Posted {
		key := name{at.Type, at.ID}
		complete := held.Complete[Posted{Type: at.Type, ID: at.ID, Version: at.Version}]
		if old := was.posted[key]; old != nil && old.Version == at.Version {
			if old.parameter != nil && old.parameter.Complete != complete {
				again, extra := *old, *old.parameter
				extra.Complete = complete
				again.parameter = &extra
				old, parameters = &again, true
			}
			p.posted[key] = old
			continue
		}
		definitions = true
		body, err := k.o.Store.Body(ctx, at.Type, at.ID, at.Version)
		if err != nil {
			return false, false, fmt.Errorf("revision: %s/%s: %w", at.Type, at.ID, err)
		}
		if p.posted[key], err = p.read(at, body, complete, loader(k.o.Store, at)); err != nil {
			return false, false, fmt.Errorf("revision: %s/%s: %w", at.Type, at.ID, err)
		}
	}
	for key := range maps.Keys(was.posted) {
		definitions = definitions || p.posted[key] == nil
	}
	return definitions, parameters, nil
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
