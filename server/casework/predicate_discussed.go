package casework

import (
	"fmt"
	"slices"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
)

const systemDialogue = "urn:tenon:dialogue"

// discussedWith('CLIN') says that each report was talked over with somebody of the
// role once its results were there (DiagnosticReport.issued): a Communication of
// urn:tenon:dialogue about it went to such a person, and another that does not
// reject it came from one, written by its sender himself (clause 5.3.4).
var discussedPredicate = every("discussedWith", 1, func(e *evaluation, r *Resource, args []string) bool {
	role := access.Role(args[0])
	issued, dated := Moment(r.Root.Field("issued").Str())
	told, answered := false, false
	for i := range e.s.Resources {
		c := &e.s.Resources[i]
		if !dated || !talksOf(c, r.Ref(), issued) {
			continue
		}
		told = told || !e.hasRole(c.Author, role) && slices.ContainsFunc(referencesOf(c.Root.Field("recipient")), func(to string) bool { return e.hasRole(to, role) })
		answered = answered || e.hasRole(c.Author, role) && !rejects(c.Root)
	}
	if !told {
		e.because(fmt.Sprintf("No Communication of %s about %s was sent to a %s since its results were issued (sent, about, recipient).", systemDialogue, r.Ref(), role),
			fmt.Sprintf("%s 的结果发布后，没有发给 %s 的沟通记录。", r.Ref(), role))
	}
	if !answered {
		e.because(fmt.Sprintf("No %s answered: a Communication of %s about %s, sent by himself, that does not reject it.", role, systemDialogue, r.Ref()),
			fmt.Sprintf("%s 尚未就 %s 本人答复（不同意除外）。", role, r.Ref()))
	}
	return told && answered
})

// talksOf tells whether a Communication is part of the dialogue about a resource, and
// was sent no earlier than that by who wrote it.
func talksOf(c *Resource, about string, since time.Time) bool {
	if c.Type != "Communication" || c.Root.Field("status").Str() != "completed" || len(codesOf(c.Root.Field("category"), systemDialogue)) == 0 ||
		cleanReference(c.Root.Path("sender", "reference").Str()) != c.Author {
		return false
	}
	sent, ok := Moment(c.Root.Field("sent").Str())
	return ok && !sent.Before(since) && slices.Contains(referencesOf(c.Root.Field("about")), about)
}

func rejects(communication tree.Node) bool {
	return slices.Contains(codesOf(communication.Field("category"), systemDialogue), "reject")
}

// hasRole tells whether somebody is of the team in a role, or has it in the
// directory: a deputy's word counts when his time is over, too.
func (v *view) hasRole(principal string, role access.Role) bool {
	r := v.byRef[principal]
	return slices.ContainsFunc(v.members(), func(m participant) bool { return m.ref == principal && m.role == role }) ||
		r != nil && r.Type == "PractitionerRole" && hasCode(r.Root.Field("code"), systemRole, string(role))
}
