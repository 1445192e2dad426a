package terminology

import (
	"bytes"
	"strings"

	"tenon/fhir/definition"
)

// systemKey names a code system as it was asked for.
type systemKey struct{ url, version string }

// maxNames bounds how many spellings of names are remembered, maxName how long
// each may be; what they name is bounded by the library.
const (
	maxNames = 1 << 14
	maxName  = 500
)

// system finds a code system; without a version the one that the library
// prefers. It is nil when it is not known here.
func (s *Server) system(url, version string) *system {
	k := systemKey{url, version}
	s.mu.RLock()
	cs, ok := s.systems[k]
	s.mu.RUnlock()
	if ok {
		return cs
	}
	if cs = ruled[url]; cs != nil {
		return cs
	}
	cs = s.findSystem(url, version)
	if cs == nil {
		return nil // not remembered: there is no end to what is not known
	}
	if len(version) > maxName {
		return cs
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.systems[k]; ok {
		return one
	}
	if len(s.systems) >= maxNames {
		clear(s.systems)
	}
	s.systems[systemKey{strings.Clone(url), strings.Clone(version)}] = cs
	return cs
}

func (s *Server) findSystem(url, version string) *system {
	if from, ok := s.sourced(url, version); ok {
		r := s.lib.Find("CodeSystem", canonical(url, from.Version))
		if r == nil {
			r = s.lib.Find("CodeSystem", url)
		}
		return s.sourceSystem(r, from)
	}
	if r := s.lib.Find("CodeSystem", canonical(url, version)); r != nil {
		if cs := s.resourceSystem(r); cs != nil && (cs.held || listed[url] == nil) {
			return cs
		}
	}
	if load := listed[url]; load != nil {
		return load()
	}
	return nil
}

func canonical(url, version string) string {
	if version == "" {
		return url
	}
	return url + "|" + version
}

// sourced finds the system among those that the source has: the version, the
// newest that begins so, or the last one listed.
func (s *Server) sourced(url, version string) (found Coding, ok bool) {
	if s.o.Source == nil {
		return Coding{}, false
	}
	for _, c := range s.o.Source.Systems() {
		if c.System == url && (version == "" || c.Version == version || strings.HasPrefix(c.Version, version+".")) {
			found, ok = c, true
			if c.Version == version {
				break
			}
		}
	}
	return found, ok
}

func (s *Server) sourceSystem(r *definition.Resource, from Coding) *system {
	s.mu.RLock()
	cs := s.bySource[from]
	s.mu.RUnlock()
	if cs != nil {
		return cs
	}
	if r != nil {
		cs = s.systemOf(r, &from)
	}
	if cs == nil {
		cs = &system{content: "complete", held: true}
		cs.load = func() (*table, error) { return s.stream(cs, from) }
	}
	cs.url, cs.version = from.System, from.Version
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.bySource[from]; one != nil {
		return one
	}
	s.bySource[from] = cs
	return cs
}

// resourceSystem makes one system of a resource, however it is asked for.
func (s *Server) resourceSystem(r *definition.Resource) *system {
	s.mu.RLock()
	cs, ok := s.byResource[r]
	s.mu.RUnlock()
	if ok {
		return cs
	}
	cs = s.systemOf(r, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.byResource[r]; ok {
		return one
	}
	s.byResource[r] = cs
	return cs
}

// head is what must be known of every CodeSystem before any is compiled.
type head struct{ valueSet, supplements string }

// heads reads them once. What HL7 publishes with the server is left out: its
// value sets have the names that implicit tries, and it supplements nothing.
func (s *Server) heads() map[*definition.Resource]head {
	s.headsOnce.Do(func() {
		all := map[*definition.Resource]head{}
		for r := range s.lib.All("CodeSystem") {
			if published(r) {
				continue
			}
			h, ok := s.earlier[r]
			if !ok {
				h = readHead(r)
			}
			if all[r] = h; h.supplements != "" {
				s.supplementing = append(s.supplementing, r)
			}
		}
		s.headsOf = all
	})
	return s.headsOf
}

func readHead(r *definition.Resource) (h head) {
	if body, err := r.Bytes(); err == nil && (bytes.Contains(body, []byte(`"valueSet"`)) || bytes.Contains(body, []byte(`"supplements"`))) {
		if n, err := r.Node(); err == nil {
			h = head{text(n, "valueSet"), text(n, "supplements")}
		}
	}
	return h
}

func published(r *definition.Resource) bool {
	return strings.HasPrefix(r.Package, "hl7.fhir.r4.") || strings.HasPrefix(r.Package, "hl7.terminology")
}

// supplements are the CodeSystems that supplement one, in the library's order.
func (s *Server) supplements(cs *system) (list []*definition.Resource) {
	heads := s.heads()
	for _, r := range s.supplementing {
		url, version, _ := strings.Cut(heads[r].supplements, "|")
		if url == cs.url && (version == "" || version == cs.version || strings.HasPrefix(cs.version, version+".")) && r.Status != "retired" {
			list = append(list, r)
		}
	}
	return list
}
