package casewalk

// Person is somebody of the sample directory who acts in the walk.
type Person struct {
	ID     string // within the walk: "clin-wang", "patient"
	Ref    string
	Role   string
	Human  string // who stands behind the role
	Token  string
	Secret string
	Maker  bool // of the manufacturer
	Out    bool // named in the agreement, but not of the team
}

// cast are the people of the sample data. rev-zhang is a second role of the
// person of des-zhang; des-liu works for the manufacturer and is is of no team.
var cast = []Person{
	{ID: "clin-wang", Role: "CLIN"},
	{ID: "clin-zhao", Role: "CLIN"},
	{ID: "img-li", Role: "IMG"},
	{ID: "hosp-chen", Role: "HOSP"},
	{ID: "agent-sun", Role: "AGENT"},
	{ID: "des-zhang", Role: "DES", Maker: true},
	{ID: "des-liu", Role: "DES", Maker: true, Out: true},
	{ID: "rev-huang", Role: "REV", Maker: true},
	{ID: "rev-zhang", Role: "REV", Maker: true, Human: "des-zhang"},
	{ID: "prod-zhou", Role: "PROD", Maker: true},
	{ID: "qa-wu", Role: "QA", Maker: true},
	{ID: "mfr-xu", Role: "MFR", Maker: true},
	{ID: "log-ma", Role: "LOG", Maker: true},
}

// firstOf is who acts for a role on the straight way.
var firstOf = map[string]string{
	"CLIN": "clin-wang", "IMG": "img-li", "HOSP": "hosp-chen", "AGENT": "agent-sun", "DES": "des-zhang", "REV": "rev-huang",
	"PROD": "prod-zhou", "QA": "qa-wu", "MFR": "mfr-xu", "LOG": "log-ma", "PAT": "patient",
}
