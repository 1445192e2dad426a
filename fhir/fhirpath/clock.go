package fhirpath

// The time of the request. https://hl7.org/fhirpath/N1/#current-date-and-time-functions
func init() {
	register(map[string]builtin{
		"now":       {0, 0, clock(sysDateTime, func(t temporal) temporal { return t })},
		"today":     {0, 0, clock(sysDate, today)},
		"timeOfDay": {0, 0, clock(sysTime, timeOfDay)},
	})
}

func today(t temporal) temporal {
	return temporal{year: t.year, month: t.month, day: t.day, precision: toDay}
}

func timeOfDay(t temporal) temporal {
	t.year, t.month, t.day, t.zoned, t.offset, t.clock = 0, 0, 0, false, 0, true
	return t
}

// clock builds a function of Context.Now, which is the same for the whole
// evaluation.
func clock(kind system, cut func(temporal) temporal) func(*compiler, *node, static) (apply, static, error) {
	return func(_ *compiler, n *node, _ static) (apply, static, error) {
		return func(st *state, base int) error {
			if st.ctx.Now.IsZero() {
				return st.fail(n.pos, "%s() needs the time of the request, and none was given", n.text)
			}
			st.set(base, box(scalar{kind: kind, tmp: cut(temporalOf(st.ctx.Now))}))
			return st.spend(1)
		}, staticOf(kind), nil
	}
}
