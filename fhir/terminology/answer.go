package terminology

import "fmt"

func unknown(why reason) Answer {
	a := Answer{Verdict: Unknown, Problem: why.problem()}
	a.Text, a.Chinese = why.texts()
	return a
}

func notIn(c Coding, v *ValueSet) Answer {
	return Answer{
		Verdict: NotMember, Problem: NotInValueSet, System: c.System,
		Text:    fmt.Sprintf("the code %s is not in the value set %s", spell(c), v.name()),
		Chinese: fmt.Sprintf("代码 %s 不在值集 %s 中", spell(c), v.name()),
	}
}

func noCode(c Coding, cs *system) Answer {
	if g := cs.grammar; g != nil {
		return Answer{
			Verdict: NotMember, Problem: UnknownCode, System: c.System,
			Text:    fmt.Sprintf("%q is no code of %s (%s)", c.Code, g.title, cs.url),
			Chinese: fmt.Sprintf("%q 不是 %s（%s）的代码", c.Code, g.title, cs.url),
		}
	}
	return Answer{
		Verdict: NotMember, Problem: UnknownCode, System: c.System,
		Text:    fmt.Sprintf("the code system %s has no code %q", canonical(cs.url, cs.version), c.Code),
		Chinese: fmt.Sprintf("代码系统 %s 没有代码 %q", canonical(cs.url, cs.version), c.Code),
	}
}

func ambiguous(c Coding, v *ValueSet) Answer {
	if v == nil {
		return Answer{
			Verdict: Unknown, Problem: NoSystem,
			Text:    fmt.Sprintf("the code %q has no system, so that it means nothing; give the system", c.Code),
			Chinese: fmt.Sprintf("代码 %q 没有 system，无法确定其含义，请补充", c.Code),
		}
	}
	return Answer{
		Verdict: Unknown, Problem: NoSystem,
		Text:    fmt.Sprintf("several code systems of the value set %s have the code %q, or could have it; give the system", v.name(), c.Code),
		Chinese: fmt.Sprintf("值集 %s 中有多个代码系统包含或可能包含代码 %q，请补充 system", v.name(), c.Code),
	}
}

func isAbstract(c Coding, v *ValueSet) Answer {
	return Answer{
		Verdict: NotMember, Problem: Abstract, System: c.System,
		Text:    fmt.Sprintf("the code %s is abstract: in the value set %s it groups others and is not to be used itself", spell(c), v.name()),
		Chinese: fmt.Sprintf("代码 %s 为抽象代码，在值集 %s 中仅用于归类，不可直接使用", spell(c), v.name()),
	}
}

// spell writes a code with its system.
func spell(c Coding) string {
	if c.System == "" {
		return fmt.Sprintf("%q", c.Code)
	}
	return c.System + "#" + c.Code
}
