package snapshot

import (
	"math"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// count reads min; -1 when it is no number of occurrences.
func count(n tree.Node) int {
	i, err := strconv.Atoi(n.Text())
	if err != nil {
		return -1
	}
	return i
}

// limit reads max: many for "*", none stated reads as many too.
func limit(n tree.Node) int {
	if i, err := strconv.Atoi(n.Str()); err == nil {
		return i
	}
	return math.MaxInt
}

func mergeMin(r *run, e *element, c *change, m member) {
	was, is := count(e.value(m.name)), count(m.node)
	if r.strict && is < was {
		r.faultAt(issue.BusinessRule, "min-widened", c, m.name, "min is %s, but the base demands at least %d: a profile can't ask for less",
			"min 为 %s，而基础定义要求至少 %d：profile 不能降低要求", m.raw, was)
		return
	}
	e.put(m)
}

func mergeMax(r *run, e *element, c *change, m member) {
	was, is := limit(e.value(m.name)), limit(m.node)
	if text := m.node.Str(); text != "*" && (is == math.MaxInt || strings.HasPrefix(text, "-")) {
		r.faultAt(issue.Value, "max-form", c, m.name, "max is %s, expected a number or *", "max 为 %s，应为数字或 *", m.raw)
		return
	}
	if r.strict && is > was {
		r.faultAt(issue.BusinessRule, "max-widened", c, m.name, "max is %s, but the base allows %d at most: a profile can't allow more",
			"max 为 %s，而基础定义最多允许 %d：profile 不能放宽", m.raw, was)
		return
	}
	e.put(m)
}

func mergeMaxLength(r *run, e *element, c *change, m member) {
	if was := count(e.value(m.name)); r.strict && was >= 0 && count(m.node) > was {
		r.faultAt(issue.BusinessRule, "max-length-widened", c, m.name, "maxLength is %s, but the base allows %d at most",
			"maxLength 为 %s，而基础定义最多允许 %d", m.raw, was)
		return
	}
	e.put(m)
}
