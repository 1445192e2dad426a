package casework

import (
	"slices"

	"tenon/server/access"
)

// notice is what the server tells people about a case: a Communication in the
// case, and a message of the outbox for whoever carries it further.
type notice struct {
	kind             string   // of urn:tenon:notice
	about            []string // references
	to               []string // PractitionerRole/x
	english, chinese string
}

type communication struct {
	ResourceType string       `json:"resourceType"`
	Extension    []caseMember `json:"extension"`
	Status       string       `json:"status"`
	Category     []concept    `json:"category"`
	Priority     string       `json:"priority,omitempty"`
	Subject      *reference   `json:"subject,omitempty"`
	About        []reference  `json:"about,omitempty"`
	Sent         string       `json:"sent"`
	Recipient    []reference  `json:"recipient,omitempty"`
	Payload      []payload    `json:"payload"`
}

type caseMember struct {
	URL            string    `json:"url"`
	ValueReference reference `json:"valueReference"`
}

type payload struct {
	ContentString string `json:"contentString"`
}

// Notice is the message of the outbox: nothing about the patient.
type Notice struct {
	Case      string   `json:"case"` // Task/x
	Kind      string   `json:"kind"`
	About     []string `json:"about"`
	Recipient []string `json:"recipient"`
	Text      string   `json:"text"`
	Chinese   string   `json:"chinese"`
	Sent      string   `json:"sent"`
}

// tell writes a notice to those of its recipients who see the case.
func (d *decider) tell(n notice) {
	d.effects = append(d.effects, d.after.notify(n)...)
}

func (v *view) notify(n notice) []Effect {
	about := slices.DeleteFunc(slices.Clone(n.about), func(ref string) bool { return ref == "" })
	c := communication{
		ResourceType: "Communication", Extension: []caseMember{{extensionPrefix + "case", reference{v.root.Ref()}}}, Status: "completed",
		Category: []concept{coded(systemNotice, n.kind, "")}, Subject: to(v.patient), Sent: instant(v.s.Now),
		Payload: []payload{{n.english}, {n.chinese}},
	}
	for _, ref := range about {
		c.About = append(c.About, reference{ref})
	}
	recipients := v.reachable(n.to)
	for _, ref := range recipients {
		c.Recipient = append(c.Recipient, reference{ref})
	}
	key := "notice/" + v.s.Case + "/" + n.kind + "/" + instant(v.s.Now)
	for _, ref := range about {
		key += "/" + ref
	}
	return []Effect{{Create: marshal(c)}, {Message: &Message{Sink: "notice", Kind: n.kind, Key: key, Body: marshal(Notice{
		Case: v.root.Ref(), Kind: n.kind, About: about, Recipient: recipients, Text: n.english, Chinese: n.chinese, Sent: instant(v.s.Now)})}}}
}

// reachable are those who see the case, each once.
func (v *view) reachable(refs []string) []string {
	var all []string
	grants := v.grants()
	for _, ref := range refs {
		if ref != "" && !slices.Contains(all, ref) && slices.ContainsFunc(grants, func(g Grant) bool { return g.Principal == ref }) {
			all = append(all, ref)
		}
	}
	return all
}

// holders are the members of the team in these roles.
func (v *view) holders(roles ...access.Role) []string {
	var refs []string
	for _, m := range v.members() {
		if slices.Contains(roles, m.role) && !slices.Contains(refs, m.ref) {
			refs = append(refs, m.ref)
		}
	}
	return refs
}

// acknowledged tells whether somebody in a role signed a notice about something.
func (v *view) acknowledged(kind, about string, role access.Role) bool {
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if isNotice(r, kind) && slices.Contains(referencesOf(r.Root.Field("about")), about) && v.signedBy(r, purposeAcknowledgement, role) != nil {
			return true
		}
	}
	return false
}

// isNotice tells a Communication that the server wrote of that kind, "" for any.
func isNotice(r *Resource, kind string) bool {
	if r.Type != "Communication" || r.Author != "server" {
		return false
	}
	code := codeOf(r.Root.Field("category"), systemNotice)
	return code != "" && (kind == "" || code == kind)
}
