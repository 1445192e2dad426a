package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"tenon/oauth"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
)

var secretTests = map[string]func(*fixture){
	"tokens":  accessTokens,
	"signers": signers,
	"anchors": anchors,
}

func accessTokens(f *fixture) {
	x := oauth.Token{Hash: [32]byte{1}, Principal: "PractitionerRole/a", Tenant: "main", Issued: Start, Expires: Start.Add(time.Hour), Note: "test"}
	if err := f.PutToken(f.ctx(), x); err != nil {
		f.Fatal(err)
	}
	if got, err := f.Token(f.ctx(), x.Hash); err != nil || got == nil || *got != x {
		f.Errorf("Token() = %+v, %v, want %+v", got, err, x)
	}
	if err := f.PutToken(f.ctx(), x); err == nil {
		f.Error("PutToken() twice is taken")
	}
	if got, err := f.Token(f.ctx(), [32]byte{2}); got != nil || err != nil {
		f.Errorf("Token() of none = %+v, %v", got, err)
	}
	if err := errors.Join(f.RevokeToken(f.ctx(), x.Hash), f.RevokeToken(f.ctx(), [32]byte{2})); err != nil {
		f.Errorf("RevokeToken() = %v", err)
	}
	if got, _ := f.Token(f.ctx(), x.Hash); got == nil || !got.Revoked {
		f.Errorf("Token() after RevokeToken = %+v", got)
	}
}

func signers(f *fixture) {
	x := oauth.Signer{Principal: "PractitionerRole/a", Certificate: []byte{1}, Sealed: []byte{2}, Created: Start}
	if err := f.PutSigner(f.ctx(), x); err != nil {
		f.Fatal(err)
	}
	failures := func(want int) {
		f.Helper()
		got, err := f.Signer(f.ctx(), x.Principal)
		if err != nil || got == nil || got.Failures != want || !bytes.Equal(got.Sealed, x.Sealed) || !got.Created.Equal(Start) {
			f.Errorf("Signer() = %+v, %v, want %d failures", got, err, want)
		}
	}
	failures(0)
	for _, ok := range []bool{false, false} {
		if err := f.SignerFailed(f.ctx(), x.Principal, ok); err != nil {
			f.Fatal(err)
		}
	}
	failures(2)
	if err := f.SignerFailed(f.ctx(), x.Principal, true); err != nil {
		f.Fatal(err)
	}
	failures(0)
	x.Sealed, x.Chain = []byte{3}, []byte{4, 5}
	if err := f.PutSigner(f.ctx(), x); err != nil {
		f.Fatal(err)
	}
	failures(0)
	if got, err := f.Signer(f.ctx(), x.Principal); err != nil || !bytes.Equal(got.Chain, x.Chain) {
		f.Errorf("Signer() = %+v, %v, want the chain", got, err)
	}
	if got, err := f.Signer(f.ctx(), "PractitionerRole/none"); got != nil || err != nil {
		f.Errorf("Signer() of none = %+v, %v", got, err)
	}
}

var caseTests = map[string]func(*fixture){
	"snapshot":                 snapshot,
	"snapshot pins the plan":   snapshotPlan,
	"snapshot own limits":      snapshotLimits,
	"no such case":             noCase,
	"signatures keep the case": signatures,
}

func refs(vs []record.Version) []string {
	var out []string
	for _, v := range vs {
		out = append(out, fmt.Sprintf("%s/%s@%d", v.Type, v.ID, v.Version))
	}
	slices.Sort(out)
	return out
}

// snapshot has members, the roles that they name, the persons and organisations
// behind the roles, and the verifications of these; not the neighbours.
func snapshot(f *fixture) {
	f.put(
		Make("Practitioner", "p", 1), Make("Practitioner", "other", 1), Make("Organization", "m", 1), Make("Organization", "h", 1),
		Make("PractitionerRole", "r", 1, Refer("practitioner", "Practitioner", "p"), Refer("organization", "Organization", "m")),
		Make("PractitionerRole", "unrelated", 1, Refer("practitioner", "Practitioner", "other")),
		Make("VerificationResult", "licence", 1, Refer("target", "Organization", "m")),
		Make("VerificationResult", "machine", 1, Refer("target", "Device", "d")),
		Make("VerificationResult", "unrelated", 1, Refer("target", "Practitioner", "other")),
		Make("Observation", "neighbour", 1, Refer("subject", "Patient", "x")),
	)
	f.caseOf("c", []casework.Grant{{Principal: "PractitionerRole/r", Ceiling: 4}},
		Make("Patient", "x", 1, Refer("organization", "Organization", "h")),
		Make("Device", "d", 1),
		Make("Task", "s01", 1, Refer("owner", "PractitionerRole", "r"), Refer("owner", "PractitionerRole", "absent")),
		Make("Observation", "gone", 1),
	)
	f.put(Make("Patient", "x", 2, Refer("organization", "Organization", "h")), Make("Observation", "gone", 2, Deleted))
	data, err := f.Snapshot(f.ctx(), "c")
	if err != nil {
		f.Fatal(err)
	}
	f.want("members", refs(data.Members), "Device/d@1", "Patient/x@2", "Task/c@1", "Task/s01@1")
	f.want("directory", refs(data.Directory), "Organization/h@1", "Organization/m@1", "Practitioner/p@1", "PractitionerRole/r@1",
		"VerificationResult/licence@1", "VerificationResult/machine@1")
	if data.Case != "c" || data.Revision != 1 || fmt.Sprint(data.Grants) != "[{PractitionerRole/r 4}]" {
		f.Errorf("Snapshot() = case %s, revision %d, grants %v", data.Case, data.Revision, data.Grants)
	}
	for _, v := range data.Members {
		if len(v.Body) == 0 || v.Digest == [32]byte{} || v.Author == "" {
			f.Errorf("member %s/%s is not whole: %+v", v.Type, v.ID, v)
		}
	}
}

func snapshotPlan(f *fixture) {
	definition := func(id, url, version string, n int64) record.Version {
		return Make("PlanDefinition", id, n, URI("url", url), Token("version", "", version),
			Body(fmt.Sprintf(`{"resourceType":"PlanDefinition","id":%q,"url":%q,"version":%q}`, id, url, version)))
	}
	const url = "https://example.org/plan/implant"
	f.put(definition("implant", url, "1", 1), definition("implant", url, "2", 2), definition("other", url+"x", "1", 1))
	for name, c := range map[string]struct{ task, want string }{
		"pinned to an old version": {`"instantiatesCanonical":"` + url + `|1"`, "[PlanDefinition/implant@1]"},
		"pinned to the current":    {`"instantiatesCanonical":"` + url + `|2"`, "[PlanDefinition/implant@2]"},
		"not pinned":               {`"instantiatesCanonical":"` + url + `"`, "[PlanDefinition/implant@2]"},
		"by uri":                   {`"instantiatesUri":"http://127.0.0.1/fhir/PlanDefinition/implant"`, "[PlanDefinition/implant@2]"},
		"none":                     {`"status":"draft"`, "[]"},
	} {
		id := "case-" + name[:4] + fmt.Sprint(len(name))
		u := f.unit(Make("Task", id, 1, Body(`{"resourceType":"Task",`+c.task+`}`)))
		u.Members, u.Cases = []record.Member{{Case: id, Type: "Task", ID: id}}, []string{id}
		f.commit(u)
		data, err := f.Snapshot(f.ctx(), id)
		if err != nil || fmt.Sprint(refs(data.Directory)) != c.want {
			f.Errorf("%s: directory %v, %v, want %v", name, refs(data.Directory), err, c.want)
		}
	}
}

// snapshotLimits: the ObservationDefinitions of the hospital that opened the case
// come with it, those of others and the server's own do not.
func snapshotLimits(f *fixture) {
	owned := func(id, owner string) record.Version {
		v := Make("ObservationDefinition", id, 1)
		v.Owner = owner
		return v
	}
	f.put(owned("ours", "Organization/h"), owned("maker", "Organization/m"), owned("embedded", ""))
	for opener, want := range map[string]string{"Organization/h": "[ObservationDefinition/ours@1]", "Organization/x": "[]", "": "[]"} {
		id := "limits-" + fmt.Sprint(len(opener)) + opener[max(0, len(opener)-1):]
		u := f.unit(Make("Task", id, 1, Body(`{"resourceType":"Task","owner":{"reference":"`+opener+`"}}`)))
		u.Members, u.Cases = []record.Member{{Case: id, Type: "Task", ID: id}}, []string{id}
		f.commit(u)
		data, err := f.Snapshot(f.ctx(), id)
		if err != nil || fmt.Sprint(refs(data.Directory)) != want {
			f.Errorf("opened by %q: directory %v, %v, want %v", opener, refs(data.Directory), err, want)
		}
	}
}

func noCase(f *fixture) {
	if data, err := f.Snapshot(f.ctx(), "none"); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("Snapshot() = %+v, %v, want ErrAbsent", data, err)
	}
	if ids, err := f.CasesOf(f.ctx(), "Patient", "none"); len(ids) != 0 || err != nil {
		f.Errorf("CasesOf() = %v, %v", ids, err)
	}
}

func signatures(f *fixture) {
	f.caseOf("c", nil)
	var want []casework.Signature
	for i := range 3 {
		s := casework.Signature{
			Provenance: fmt.Sprint("p", i), Target: "Task/c", Version: int64(i), Digest: [32]byte{byte(i)}, Role: access.CLIN,
			Purpose: "approve", Stage: "S10", Signer: "PractitionerRole/a", Person: "Practitioner/a", When: Start,
			Outcome: "met", Conditions: []string{"a", "b"},
		}
		want = append(want, s)
		u := f.unit()
		u.Signatures = []record.CaseSignature{{Case: "c", Signature: s}}
		f.commit(u)
	}
	data, err := f.Snapshot(f.ctx(), "c")
	if err != nil || fmt.Sprint(data.Signatures) != fmt.Sprint(want) {
		f.Errorf("signatures = %+v, %v, want %+v", data, err, want)
	}
}
