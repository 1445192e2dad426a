package app

import (
	"fmt"
	"strings"
	"time"

	"tenon/fhir/tree"
	"tenon/server/casework"
	"tenon/server/ledger"
	"tenon/server/pdf"
)

// summary is the PDF of a dossier for people. What proves is the dossier: its seal
// covers the digest of the summary.
type summary struct {
	s      *casework.Snapshot
	report casework.Report
	base   string
	d      *pdf.Document
}

// write is ledger.Dossier.Summary.
func (m *summary) write(f ledger.Facts) ([]byte, error) {
	number := m.root().Path("groupIdentifier", "value").Str()
	if number == "" {
		number = m.root().Field("identifier").Index(0).Field("value").Str()
	}
	if number == "" {
		number = m.report.Case
	}
	var err error
	title := "病例档案摘要 Summary of the case dossier"
	if m.d, err = pdf.New(title+" "+number, "病例 Case "+number, f.Created); err != nil {
		return nil, err
	}
	m.d.Title(title)
	m.head(number, f)
	m.stages()
	m.signatures()
	m.verdicts()
	m.record(f)
	m.verify(f)
	return m.d.Bytes()
}

func (m *summary) root() tree.Node { return m.find(m.report.Case).Root }

// find is a member or a directory resource; nothing reads as empty.
func (m *summary) find(ref string) casework.Resource {
	for _, list := range [][]casework.Resource{m.s.Resources, m.s.Directory} {
		for _, r := range list {
			if r.Ref() == ref {
				return r
			}
		}
	}
	return casework.Resource{}
}

// name is what a person or organisation is called, with the reference.
func (m *summary) name(ref string) string {
	if ref == "" {
		return "—"
	}
	r := m.find(ref)
	if r.Type == "PractitionerRole" {
		r = m.find(r.Root.Path("practitioner", "reference").Str())
	}
	if n := nameOf(r.Root); n != "" {
		return n + " (" + ref + ")"
	}
	return ref
}

func nameOf(n tree.Node) string {
	name := n.Field("name")
	if name.Kind() == tree.Array {
		name = name.Index(0)
	}
	if name.Kind() == tree.String {
		return name.Str()
	}
	if text := name.Field("text").Str(); text != "" {
		return text
	}
	return strings.TrimSpace(name.Field("family").Str() + " " + name.Field("given").Index(0).Str())
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (m *summary) head(number string, f ledger.Facts) {
	d, patient := m.d, m.root().Path("for", "reference").Str()
	d.Pair("病例号 Case number", number)
	d.Pair("病例 Case", m.report.Case)
	if patient != "" {
		p := m.find(patient).Root
		d.Pair("患者 Patient", m.name(patient))
		d.Pair("性别 Gender / 出生日期 Birth date", p.Field("gender").Str()+" / "+p.Field("birthDate").Str())
	}
	d.Pair("流程计划 Plan", m.report.Plan)
	d.Pair("状态 Status", m.report.Status)
	d.Pair("导出时间 Exported", moment(f.Created))
	d.Pair("存证日志 Log", fmt.Sprintf("%s, %d leaves", f.Origin, f.Size))
	d.Pair("日志根哈希 Root of the log", fmt.Sprintf("%x", f.Root))
	d.Text("本摘要供人阅读；可证明的是随附的档案（FHIR 文档）。档案封印包含本文件的 SHA-256，核验方法见末页。 This summary is for people. What proves is the dossier " +
		"(a FHIR document) that it is part of: the dossier's seal covers the SHA-256 of this file. The last page says how to verify it.")
}

func (m *summary) stages() {
	m.d.Heading("阶段 Stages")
	for _, s := range m.report.Stages {
		task := s.Task
		if task != "" {
			task = fmt.Sprintf("%s v%d", task, m.find(task).Version)
		}
		m.d.Row([]pdf.Cell{{Width: 0.38, Text: s.Code + " " + s.Chinese + " " + s.Title}, {Width: 0.2, Text: said("substate", string(s.State))},
			{Width: 0.42, Text: m.name(s.Owner) + "\n" + task, Small: true, Grey: true}})
	}
}

func (m *summary) signatures() {
	m.d.Heading("签名 Signatures")
	if len(m.s.Signatures) == 0 {
		m.d.Text("无 None")
	}
	for _, s := range m.s.Signatures {
		what := said("signature-purpose", s.Purpose)
		if s.Outcome != "" {
			what += " — " + said("verdict", s.Outcome)
		}
		m.d.Row([]pdf.Cell{{Width: 0.24, Text: moment(s.When), Grey: true},
			{Width: 0.36, Text: m.name(s.Signer) + "\n" + said("role", string(s.Role))},
			{Width: 0.4, Text: fmt.Sprintf("%s\n%s v%d\nSHA-256 %x", what, s.Target, s.Version, s.Digest), Small: true}})
	}
}

// verdicts are the conclusions of reports.
func (m *summary) verdicts() {
	m.d.Heading("判定 Verdicts")
	none := true
	for _, r := range m.s.Resources {
		if r.Type != "DiagnosticReport" {
			continue
		}
		none = false
		verdict := ""
		for c := range r.Root.Field("conclusionCode").Items() {
			for coding := range c.Field("coding").Items() {
				verdict += said("verdict", coding.Field("code").Str()) + " "
			}
		}
		if verdict == "" {
			verdict = "未评估 not evaluated"
		}
		title := r.Root.Path("code", "text").Str()
		if title == "" {
			title = r.Root.Path("code", "coding", "code").Str()
		}
		m.d.Row([]pdf.Cell{{Width: 0.4, Text: title}, {Width: 0.25, Text: verdict},
			{Width: 0.35, Text: fmt.Sprintf("%s v%d %s", r.Ref(), r.Version, r.Root.Field("conclusion").Str()), Small: true, Grey: true}})
	}
	if none {
		m.d.Text("无 None")
	}
}

func (m *summary) record(f ledger.Facts) {
	m.d.Heading("记录 Record")
	m.d.Text(fmt.Sprintf("全部版本及其存储字节的 SHA-256；另有 %d 条审计事件。 Every version with the SHA-256 of its stored bytes; %d audit events besides.", f.Events, f.Events))
	for _, e := range f.Entries {
		ref := e.Reference
		if e.Deleted {
			ref += " 已删除 deleted"
		}
		m.d.Row([]pdf.Cell{{Width: 0.41, Text: ref, Small: true}, {Width: 0.59, Text: fmt.Sprintf("%x", e.Digest), Small: true, Grey: true}})
	}
	if len(f.Files) > 0 {
		m.d.Heading("文件 Files")
	}
	for _, b := range f.Files {
		where := "随附 beside the dossier"
		if b.Embed {
			where = "内含 inside"
		}
		m.d.Row([]pdf.Cell{{Width: 0.59, Text: fmt.Sprintf("%x", b.Digest), Small: true}, {Width: 0.41, Text: fmt.Sprintf("%d bytes, %s, %s", b.Size, b.ContentType, where), Small: true, Grey: true}})
	}
	if len(f.Anchors) > 0 {
		m.d.Heading("外部见证 Vouched for from outside")
	}
	for _, a := range f.Anchors {
		m.d.Row([]pdf.Cell{{Width: 0.25, Text: moment(a.At), Small: true}, {Width: 0.75, Text: fmt.Sprintf("%s %s, %d leaves", a.Kind, a.Name, a.Size), Small: true, Grey: true}})
	}
}

// verify is the page that says how to do without this server.
func (m *summary) verify(f ledger.Facts) {
	d := m.d
	d.NewPage()
	d.Heading("不依赖本系统的核验方法 How to verify this without us")
	d.Text("公钥 Public key of the log:")
	d.Small(f.Key)
	for i, step := range []string{
		"从本系统以外取得信任文件（trust.json：日志公钥、签名机构证书及先前的检查点），勿使用档案中自带的密钥。 Take the trust file from somebody outside this system (public key of the log, certificate of the signer authority, an earlier checkpoint). Do not judge the dossier by the keys in it.",
		"在空文件夹中离线运行：tenon verify --trust trust.json dossier.json；退出码 0 为已证明，1 为有误，3 为仅自洽。 Offline, in an empty folder: tenon verify --trust trust.json dossier.json. Exit code 0 is proven, 1 refused, 3 consistent with itself only. With --summary FILE it writes this PDF out of the dossier, once its seal fits.",
		"亦可用任何工具手工核验：档案为 FHIR R4 文档（Bundle），第二个条目 Binary/tenon-ledger 为 JSON，其 inventory 列出每个资源字节的 SHA-256、本 PDF 的 SHA-256（summary）及文件，并以 sm3 行列出各自的 SM3。 By hand, with any tools: the dossier is a FHIR R4 document (Bundle). Its second entry, Binary/tenon-ledger, is JSON; its inventory lists the SHA-256 of the bytes of every resource, of this PDF (summary) and of the files, and the SM3 of each in lines that begin with sm3.",
		"封印与检查点均为 signed note（Ed25519，c2sp.org/signed-note），用上述公钥验证。 Seal and checkpoint are signed notes (Ed25519, c2sp.org/signed-note): verify them with the key above.",
		"叶哈希 = SHA-256(0x00 ‖ 盐 ‖ 字节)；按 RFC 6962 的路径应得到检查点的根。 A leaf is SHA-256(0x00 ‖ salt ‖ bytes); its path leads to the checkpoint's root as in RFC 6962.",
		"签名为 Provenance.signature.data 中的 JWS（RFC 7515；ES256、RS256 或 SM2/SM3），载荷为清单，列出所签版本及 SHA-256；证书见 x5c。 Signatures are JWS in Provenance.signature.data (RFC 7515; ES256, RS256, or SM2 with SM3). Their payload is a manifest that names versions and SHA-256; the certificate is in x5c.",
		"时间戳为 RFC 3161 令牌（openssl ts -verify），见证为 c2sp.org/tlog-cosignature。 Time stamps are tokens of RFC 3161 (openssl ts -verify), witnesses speak c2sp.org/tlog-cosignature.",
	} {
		d.Text(fmt.Sprintf("%d. %s", i+1, step))
	}
}
