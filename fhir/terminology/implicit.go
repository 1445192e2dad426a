package terminology

import (
	"strings"

	"tenon/fhir/ucum"
)

// valueSet finds a value set by its canonical URL; nil when there is none.
func (s *Server) valueSet(url string) *ValueSet {
	s.mu.RLock()
	v := s.sets[url]
	s.mu.RUnlock()
	if v != nil {
		return v
	}
	if v = s.findSet(url, &scope{s: s}); v == nil {
		return nil // not remembered: there is no end to what is not known
	}
	if len(url) > maxName {
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.sets[url]; one != nil {
		return one
	}
	if len(s.sets) >= maxNames {
		clear(s.sets)
	}
	s.sets[strings.Clone(url)] = v
	return v
}

// findSet compiles a value set of the library, or one that a code system
// implies.
func (s *Server) findSet(url string, in *scope) *ValueSet {
	if r := s.lib.Find("ValueSet", url); r != nil {
		n, err := r.Node()
		if err != nil {
			return nil
		}
		return in.compile(n)
	}
	return s.implicit(url, in)
}

// implicit makes the value sets that no resource defines.
// https://hl7.org/fhir/R4/valueset.html#implicit
func (s *Server) implicit(url string, in *scope) *ValueSet {
	url, version, _ := strings.Cut(url, "|")
	if system, query, ok := strings.Cut(url, "?fhir_vs"); ok {
		return in.implied(url, system, query)
	}
	if rest, ok := strings.CutPrefix(url, "http://loinc.org/vs"); ok {
		return in.loinc(url, rest)
	}
	if rest, ok := strings.CutPrefix(url, ucumSystem+"/vs"); ok {
		return in.units(url, strings.TrimPrefix(rest, "/"))
	}
	if s.lib.Find("ValueSet", url) != nil {
		return nil // there is one, of another version
	}
	if cs := s.systemOfAll(url); cs != nil && (version == "" || sameVersion(version, cs.version)) {
		return in.all(url, cs)
	}
	return nil
}

// all is the set of all codes of a system.
func (in *scope) all(url string, cs *system) *ValueSet {
	v := &ValueSet{s: in.s, URL: url, Version: cs.version, Name: cs.name, Title: cs.title}
	c := &clause{system: cs.url}
	if c.version = in.versions.of(cs.url, ""); c.version != "" {
		cs = in.s.system(cs.url, c.version)
	}
	c.cs = cs
	v.include.add(c)
	return v
}

// implied is [system]?fhir_vs: all codes; =isa/X: those below X; =refset/X and
// =ecl/… can't be judged here. An edition of SNOMED CT is a version of it.
// https://hl7.org/fhir/R4/snomedct.html#implicit
func (in *scope) implied(url, system, query string) *ValueSet {
	version := ""
	if strings.HasPrefix(system, snomed+"/") {
		system, version = snomed, system
	}
	version = in.versions.of(system, version)
	c := &clause{system: system, version: version, cs: in.s.system(system, version)}
	v := &ValueSet{s: in.s, URL: url, Version: version}
	v.include.add(c)
	if query == "" {
		return v
	}
	kind, code, _ := strings.Cut(strings.TrimPrefix(query, "="), "/")
	if kind != "isa" || code == "" {
		c.unclear = noFilter(system, "fhir_vs", kind)
		return v
	}
	f, why := compileFilter(c.cs, "concept", "is-a", code)
	c.filters, c.unclear = []filter{f}, why
	return v
}

// loinc is http://loinc.org/vs: all codes; /LP…: those below a part; answer
// lists can't be judged here. https://hl7.org/fhir/R4/loinc.html#implicit
func (in *scope) loinc(url, rest string) *ValueSet {
	switch {
	case rest == "":
		return in.implied(url, loinc, "")
	case strings.HasPrefix(rest, "/LP"):
		return in.implied(url, loinc, "=isa"+rest)
	case strings.HasPrefix(rest, "/"):
		return in.implied(url, loinc, "=list"+rest)
	}
	return nil
}

// units is http://unitsofmeasure.org/vs: all units; /X: those that convert to X.
// https://hl7.org/fhir/R4/ucum.html#implicit
func (in *scope) units(url, unit string) *ValueSet {
	v := in.implied(url, ucumSystem, "")
	if unit == "" {
		return v
	}
	want, err := ucum.Parse(unit)
	if err != nil {
		return nil
	}
	v.include.list[0].filters = []filter{{cost: 100, code: func(code string) bool {
		u, err := ucum.Parse(code)
		return err == nil && u.Comparable(want)
	}}}
	return v
}

// systemOfAll finds the code system that calls a value set the one of all its
// codes. HL7 names those of its own systems alike, so that these are tried and
// not all looked through.
func (s *Server) systemOfAll(url string) *system {
	for r, h := range s.heads() {
		if unversioned(h.valueSet) == url {
			if s.lib.Find("CodeSystem", r.URL) == r {
				return s.system(r.URL, "")
			}
		}
	}
	for _, guess := range guesses(url) {
		if cs := s.system(guess, ""); cs != nil && cs.grammar == nil {
			if own := unversioned(cs.valueSet); own == url || own == "" && strings.HasPrefix(url, "http://terminology.hl7.org/ValueSet/v") {
				return cs
			}
		}
	}
	return nil
}

func guesses(url string) []string {
	at := strings.LastIndex(url, "/ValueSet/")
	if at < 0 {
		return nil
	}
	base, name := url[:at], url[at+len("/ValueSet/"):]
	return []string{base + "/CodeSystem/" + name, base + "/" + name, base + "/" + strings.TrimSuffix(name, "-all")}
}
