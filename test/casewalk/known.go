package casewalk

// knowns are disagreements that were reported and are not decided yet: the walk
// counts them and follows the server. A line goes when its cause does.
var knowns = []struct {
	sentence string
	is       func(c *Case, s Step) bool
}{
	{
		"“Complete. Later changes need a new Contract”: a PUT of the completed agreement is allowed",
		func(c *Case, s Step) bool {
			return s.Kind == Edit && s.Part == "S05/agreement" && c.stages["S05"].state == completed
		},
	},
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
