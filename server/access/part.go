package access

// InPart widens a reach to resources above the caller's level that can be shown
// to it in part: without their elements above the level. looked is the highest
// level of an element that the question asks about, at least 1; who may see less
// than that finds only what he may see whole, so that an answer tells nothing of
// an element that it does not show.
//
// A reach that an app's scopes narrow by values is not widened: what they test may
// be what is left out.
func InPart(p Predicate, looked Level) Predicate {
	if looked == 0 || looked >= 5 || tests(p) {
		return p
	}
	return inPart(p, looked)
}

func inPart(p Predicate, looked Level) Predicate {
	switch p := p.(type) {
	case InCase:
		p.Part = looked
		return p
	case AnyCase:
		p.Part = looked
		return p
	case AnyOf:
		all := make(AnyOf, len(p))
		for i := range p {
			all[i] = inPart(p[i], looked)
		}
		return all
	case AllOf:
		all := make(AllOf, len(p))
		for i := range p {
			all[i] = inPart(p[i], looked)
		}
		return all
	}
	return p
}

// Whole is the reach of what can be seen whole.
func Whole(p Predicate) Predicate { return inPart(p, 0) }

// ShowsParts tells whether a reach was widened by InPart.
func ShowsParts(p Predicate) bool {
	return some(p, func(p Predicate) bool {
		switch p := p.(type) {
		case InCase:
			return p.Part > 0
		case AnyCase:
			return p.Part > 0
		}
		return false
	})
}

func tests(p Predicate) bool {
	return some(p, func(p Predicate) bool { _, ok := p.(Matching); return ok })
}

func some(p Predicate, is func(Predicate) bool) bool {
	var parts []Predicate
	switch p := p.(type) {
	case AnyOf:
		parts = p
	case AllOf:
		parts = p
	default:
		return is(p)
	}
	for _, one := range parts {
		if some(one, is) {
			return true
		}
	}
	return false
}
