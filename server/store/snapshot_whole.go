package store

import (
	"tenon/server/record"
	"tenon/server/search"
)

// The steps from the id of a case to what is loaded with it, by the references of
// the step before. What two steps find belongs to the first.
const (
	stepMember = iota
	stepFirst
	stepSecond
	stepVerified
)

// step takes a row of whole.
func (l *caseLoad) step(c cursor, steps [][]record.Version) error {
	var v record.Version
	var rid, step int64
	if err := scanVersion(c, &v, &rid, &step); err != nil {
		return err
	}
	l.have[rid] = true
	steps[step] = append(steps[step], v)
	return nil
}

// whole selects the members of the case, the parties that they refer to, those that
// these refer to, and the VerificationResults that target any of these, in one
// statement that begins with the case and follows each row by itself.
func (l *caseLoad) whole() *statement {
	s := newStatement(l.tenant, l.d)
	s.add("WITH own AS MATERIALIZED (SELECT r.rid, r.type, r.id FROM member m")
	s.nest("r.rid, r.type, r.id", "resource", "r").add("r.rid = m.rid AND r.deleted = 0").nested("r")
	s.add(" WHERE m.tenant = ? AND m.case_id = ?), ", l.tenant, l.data.Case)
	l.hop(s, "hop1", "own")
	l.hop(s, "hop2", "hop1")
	s.add("about AS MATERIALIZED (SELECT type, id FROM own WHERE type IN ('Device', 'DeviceDefinition', 'Substance') " +
		"UNION SELECT type, id FROM hop1 UNION SELECT type, id FROM hop2), verified AS MATERIALIZED (SELECT t.rid FROM about x")
	l.targeting(s).add(") SELECT " + versionColumns + ", r.rid, s.step FROM (SELECT rid, min(step) AS step FROM (SELECT rid, 0 AS step FROM own " +
		"UNION ALL SELECT rid, 1 FROM hop1 UNION ALL SELECT rid, 2 FROM hop2 UNION ALL SELECT rid, 3 FROM verified) q GROUP BY rid) s")
	return s.nest("*", "resource", "r").add("r.rid = s.rid").nested("r").add(" WHERE s.step < 3 OR r.type = 'VerificationResult' AND r.deleted = 0 ORDER BY s.step, r.rid")
}

// hop is a set of the parties that the rows of another set refer to.
func (l *caseLoad) hop(s *statement, name, from string) {
	s.add(name + " AS MATERIALIZED (SELECT r.rid, r.type, r.id FROM (SELECT DISTINCT t.type, t.target FROM " + from + " o")
	s.nest("t.type, t.target", "reference_row", "t").add("t.rid = o.rid AND ").inTexts("t.type", parties).nested("t").add(") t")
	s.nest("r.rid, r.type, r.id", "resource", "r").add("r.tenant = ? AND r.type = t.type AND r.id = t.target AND r.deleted = 0", l.tenant).nested("r").add("), ")
}

var verificationTarget = search.KeyOf("VerificationResult", "target")

// targeting follows x (type, id) to the VerificationResults that target it; their
// key is that of no other type.
func (l *caseLoad) targeting(s *statement) *statement {
	return s.nest("t.rid", "reference_row", "t").add("t.tenant = ? AND t.target = x.id AND t.key = ? AND t.type = x.type", l.tenant, int64(verificationTarget)).nested("t")
}

// verifying selects the VerificationResults that target processes.
func (l *caseLoad) verifying(processes []string) *statement {
	s := l.selecting("FROM reference_row t")
	s.nest("*", "resource", "r").add("r.rid = t.rid").nested("r")
	return s.add(" WHERE t.tenant = ? AND t.key = ? AND t.type = 'ActivityDefinition' AND ", l.tenant, int64(verificationTarget)).inTexts("t.target", processes)
}
