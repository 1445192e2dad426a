package casewalk

// knowns are disagreements that were reported and are not decided yet: the walk
// counts them and follows the server. A line goes when its cause does.
var knowns []struct {
	sentence string
	is       func(c *Case, s Step) bool
}

// known is the sentence of a known disagreement, "" for a new one.
func (c *Case) known(s Step) string {
	for _, k := range knowns {
		if k.is(c, s) {
			return k.sentence
		}
	}
	return ""
}
