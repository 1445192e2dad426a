package fhirpath

// The functions of FHIR that need definitions or terminology. They compile
// everywhere with the same signature; a host that knows (the validator) answers
// through Env.Functions. Without one nothing is known, and the result is empty:
// never true, never false, never an error of the data.
//
//   - https://hl7.org/fhir/R4/fhirpath.html#functions
func init() {
	coded := uint16(1<<sysString | 1<<sysQuantity | 1<<sysComplex)
	register(map[string]builtin{
		"memberOf":          {1, 1, unanswered(coded, []uint16{1 << sysString}, staticOf(sysBoolean))},
		"subsumes":          {1, 1, unanswered(coded, []uint16{coded}, staticOf(sysBoolean))},
		"subsumedBy":        {1, 1, unanswered(coded, []uint16{coded}, staticOf(sysBoolean))},
		"elementDefinition": {0, 0, unanswered(accepts(sysNone), nil, anything)},
		"slice":             {2, 2, unanswered(accepts(sysNone), []uint16{1 << sysString, 1 << sysString}, anything)},
	})
}

// unanswered builds a function that only a host can answer: input and arguments
// are checked when it is compiled, and evaluated.
func unanswered(in uint16, params []uint16, out static) func(*compiler, *node, static) (apply, static, error) {
	return func(c *compiler, n *node, input static) (apply, static, error) {
		if !input.fits(in) {
			return nil, static{}, c.src.mistyped(n.pos, "%s() works on codes, Coding and CodeableConcept, not on %s", n.text, input)
		}
		args := make([]code, len(n.args))
		for i, want := range params {
			var err error
			if args[i], err = c.value(n, i, want); err != nil {
				return nil, static{}, err
			}
		}
		return func(st *state, base int) error {
			for _, arg := range args {
				if err := arg(st); err != nil {
					return err
				}
			}
			st.cut(base)
			return st.spend(1)
		}, out, nil
	}
}
