package validate

// https://hl7.org/fhir/R4/implementationguide-definitions.html#ImplementationGuide.global

// global are the profiles that an implementation guide of the library prescribes
// for all resources of a type.
func (s *Set) global() map[string][]*profile {
	s.guided.Do(func() {
		s.globals = map[string][]*profile{}
		for guide := range s.lib.All("ImplementationGuide") {
			n, err := guide.Node()
			if err != nil {
				continue
			}
			for g := range n.Field("global").Items() {
				if p := s.profile(g.Field("profile").Str()); p != nil {
					t := string(g.Field("type").AppendStr(nil))
					s.globals[t] = append(s.globals[t], p)
				}
			}
		}
	})
	return s.globals
}
