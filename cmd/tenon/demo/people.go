package demo

import "fmt"

// person is somebody, or a machine, who holds a token, and perhaps a signing
// secret.
type person struct {
	ref    string // PractitionerRole/clin-wang, Patient/…, Device/mes
	role   string // code of urn:tenon:role
	name   string // as the directory has it
	token  string
	secret string // unlocks the person's own signing key
}

func (p *person) String() string { return p.role + " " + p.ref }

// cast are the people of the story; the names are those of the sample data.
type cast struct {
	clin, clin2, img, hosp, agent                        *person // the hospital's 医
	des, desOutside, rev, revSame, prod, qa, mfr, logist *person // the manufacturer's 工
	fitter                                               *person // the prosthetist, of a socket
	mes                                                  *person // a machine
}

// team are the members of the CareTeam: everybody who will act in the case. The
// designer des-liu stays outside: he shows that colleagues do not see the case.
func (c *cast) team() []*person {
	all := []*person{c.clin, c.clin2, c.img, c.hosp, c.agent, c.des, c.rev, c.revSame, c.prod, c.qa, c.mfr, c.logist}
	if c.fitter != nil {
		all = append(all, c.fitter)
	}
	return all
}

// meet gives everybody a token and a signing key, as an operator does with
// `tenon user token` and `tenon user key`, and asks the directory for the names.
func (s *story) meet() {
	c := &s.cast
	for _, p := range []struct {
		to       **person
		id, role string
	}{
		{&c.clin, "clin-wang", "CLIN"},
		{&c.clin2, "clin-zhao", "CLIN"},
		{&c.img, "img-li", "IMG"},
		{&c.hosp, "hosp-chen", "HOSP"},
		{&c.agent, "agent-sun", "AGENT"},
		{&c.des, "des-zhang", "DES"},
		{&c.desOutside, "des-liu", "DES"},
		{&c.rev, "rev-huang", "REV"},
		{&c.revSame, "rev-zhang", "REV"}, // the second role of des-zhang's person
		{&c.prod, "prod-zhou", "PROD"},
		{&c.qa, "qa-wu", "QA"},
		{&c.mfr, "mfr-xu", "MFR"},
		{&c.logist, "log-ma", "LOG"},
	} {
		*p.to = s.admit("PractitionerRole/"+p.id, p.role, true)
	}
	if s.socket() {
		c.fitter = s.admit("PractitionerRole/clin-fang", "CLIN", true)
	}
	c.mes = s.admit("Device/mes", "MES", false)
	for _, p := range append(c.team(), c.desOutside) {
		role := s.read(p, p.ref)
		p.name = str(s.read(p, str(role, "practitioner", "reference")), "name", "text")
		organisation := s.read(p, str(role, "organization", "reference"))
		s.tell.line("", p, "%s of %s", p.name, str(organisation, "name"))
	}
}

// admit issues a token and, for a person, a signing key with a secret.
func (s *story) admit(ref, role string, signs bool) *person {
	p := &person{ref: ref, role: role, name: ref}
	var err error
	if p.token, err = s.server.app.IssueToken(s.ctx, ref, s.server.life, "demo"); err != nil {
		stop(fmt.Errorf("a token for %s: %w", ref, err))
	}
	if signs {
		p.secret = fmt.Sprintf("demo secret %x of %s", s.dice.Uint64(), ref)
		if err := s.server.app.IssueSigner(s.ctx, ref, p.secret); err != nil {
			stop(fmt.Errorf("a signing key for %s: %w", ref, err))
		}
	}
	return p
}
