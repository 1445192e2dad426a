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
	{
		"“owner in {CLIN, DES, PROD}” judges what comes before production: QA may sign it too",
		func(c *Case, s Step) bool {
			return s.Kind == Judge && c.people[s.Who].Role == "QA" && (s.Stage == "S11" || s.Stage == "S12" || s.Stage == "S11a")
		},
	},
	{
		"“use … is refused before S17 is completed”: a device of the case that no stage names yet may be used once another is named",
		func(c *Case, s Step) bool {
			other := c.parts["S11/socket"]
			return s.Kind == Use && !c.parts["S11/device"].named && other != nil && other.named
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
