package casework_test

import (
	"slices"
	"time"

	"tenon/server/access"
)

// removals says, for every condition of the plan, how a case can lack what it
// asks for. Each row alone must make the condition fail.
var removals = map[string][]removal{
	// S01
	"consent-active":             {put("Consent/consent", "status", "inactive"), put("Consent/consent", "status", "draft")},
	"consent-of-patient":         {put("Consent/consent", "patient", ref(other)), put("Consent/consent", "performer", nil)},
	"consent-verified":           {put("Consent/consent", "verification", nil), put("Consent/consent", "verification", arr{obj{"verified": false}})},
	"consent-covers-examination": {withPurposes("custom-device-treatment"), put("Consent/consent", "status", "rejected"), inProvision("type", "deny")},
	"consent-covers-device":      {withPurposes("examination"), inProvision("period", obj{"end": "2026-01-01"})},
	"consent-names-recipients":   {inProvision("actor", nil)},
	"consent-form-intact":        {badConsentForm},
	// S02
	"consent-still-active":       {put("Consent/consent", "status", "inactive")},
	"consent-before-examination": {put("ImagingStudy/ct", "started", "2026-02-01T08:00:00Z")},
	"images-of-patient":          {put("ImagingStudy/ct", "subject", ref(other)), put("ImagingStudy/ct", "subject", nil)},
	"images-available":           {put("ImagingStudy/ct", "status", "registered"), put("ImagingStudy/ct", "numberOfInstances", 0)},
	"scan-intact":                {badScan},
	"examination-in-time": {put("ServiceRequest/examination", "authoredOn", "2026-02-01T08:00:00Z"), put("ServiceRequest/examination", "authoredOn", "2026-12-01T08:00:00Z"),
		put("ServiceRequest/examination", "authoredOn", nil)},
	"examination-as-asked": {put("ServiceRequest/examination", "code", concept("http://dicom.nema.org/resources/ontology/DCM", "MR")), put("ImagingStudy/ct", "modality", nil)},
	"protocol-limits":      {unwaived("protocol-limits")},
	"images-anew":          {afterDemand(time.Hour), both(afterDemand(-time.Hour), put("ImagingStudy/ct", "started", nil))},
	// S03a
	"checklist-complete": {put("QuestionnaireResponse/checklist", "status", "in-progress"), put("QuestionnaireResponse/checklist", "item", arr{obj{"linkId": "1"}})},
	// S03b
	"data-confirmed":       {anew("S03a"), anew("S02")},
	"agreement-executed":   {put("Contract/agreement", "status", "negotiable"), anew("S05")},
	"agreement-in-period":  {later(expiry), put("Contract/agreement", "applies", obj{"start": "2026-01-01"})},
	"agreement-signed":     {unsigned("Contract/agreement", "agreement", access.MFR), unsigned("Contract/agreement", "agreement", access.HOSP)},
	"consent-permits":      {put("Consent/consent", "status", "inactive"), withPurposes("examination")},
	"replies-state-result": {put("Communication/reply-prod", "topic", nil), put("Communication/reply-des", "payload", nil)},
	"replies-accepted":     {put("Communication/reply-prod", "topic", concept("urn:tenon:reply", "rejected"))},
	"image-quality":        {unwaived("image-quality")},
	// S04
	"plan-active":             {put("CarePlan/plan", "status", "draft")},
	"plan-author":             {put("CarePlan/plan", "author", ref(clin2.Principal)), put("CarePlan/plan", "author", nil)},
	"plan-rests-on-condition": {put("CarePlan/plan", "addresses", nil), put("CarePlan/plan", "supportingInfo", nil)},
	"plan-has-goal":           {put("CarePlan/plan", "goal", nil)},
	"plan-anew":               {afterDemand(time.Hour), both(afterDemand(-time.Hour), put("CarePlan/plan", "created", nil))},
	"plan-of-patient":         {put("CarePlan/plan", "subject", ref(other)), put("Goal/goal", "subject", ref(other))},
	// S05
	"contract-executed":                {put("Contract/agreement", "status", "executable")},
	"contract-parties":                 {put("Contract/agreement", "subject", arr{ref("Organization/hospital")}), put("Contract/agreement", "subject", arr{ref("Organization/a"), ref("Organization/b")})},
	"contract-persons":                 {withoutParties},
	"contract-topics":                  {cut("Contract/agreement", "term", is("topicCodeableConcept", "delivery")), cut("Contract/agreement", "term", is("topicCodeableConcept", "liabilities"))},
	"contract-period":                  {put("Contract/agreement", "applies", obj{"start": "2025-01-01", "end": "2025-12-31"}), put("Contract/agreement", "applies", nil)},
	"contract-terms":                   {alteredTerm("terms", func(t obj) { t["offer"].(obj)["answer"] = arr{obj{"valueUri": "urn:tenon:terms|0.9.0"}} }), alteredTerm("terms", func(t obj) { delete(t["offer"].(obj), "answer") })},
	"contract-storage":                 {alteredTerm("storage", func(t obj) { t["extension"] = t["extension"].([]any)[:1] })},
	"contract-region":                  {keptAbroad},
	"evidence-institution-eligibility": {outOfDate("institution-eligibility"), ofAnother("institution-eligibility", "maker"), content("DocumentReference/institution-eligibility", "x")},
	"evidence-qms-certificate":         {outOfDate("qms-certificate"), ofAnother("qms-certificate", "hospital"), ofKind("qms-certificate", "licence")},
	"evidence-capability-statement":    {ofAnother("capability-statement", "stranger"), content("DocumentReference/capability-statement", "x")},
	"evidence-production-licence":      {outOfDate("production-licence"), ofKind("production-licence", "licence")},
	"evidence-production-experience":   {ofAnother("production-experience", "hospital"), ofKind("production-experience", "facility")},
	"evidence-facility":                {ofAnother("facility", "stranger"), content("DocumentReference/facility", "x")},
	"evidence-licences":                {outOfDate("licence-hospital"), ofAnother("licence-maker", "hospital"), ofKind("licence-maker", "facility"), content("DocumentReference/licence-hospital", "x")},
	"evidence-same-type":               {outOfDate("registration-certificate"), ofAnother("registration-certificate", "hospital"), directory("Organization/maker", "address", arr{obj{"text": "Ulm", "country": "DE"}})},
	"verifications-on-file":            {verification("vr-maker", "validator", arr{}), verification("vr-hospital", "lastPerformed", "2036-01-01")},
	"eligibility-evidence":             {verification("vr-maker", "status", "req-revalid"), verification("vr-hospital", "nextScheduled", "2026-02-01")},
	// S06
	"replies-accepted-for-order": {put("Communication/reply-des", "topic", concept("urn:tenon:reply", "rejected"))},
	"plan-active-for-order":      {put("CarePlan/plan", "status", "revoked"), anew("S04")},
	"agreement-for-order":        {put("Contract/agreement", "status", "terminated")},
	"team-complete":              {put("CareTeam/team", "status", "inactive"), cut("CareTeam/team", "participant", inRole("PROD"))},
	"team-qualified":             {verification("qa-wu", "nextScheduled", "2026-02-01"), verification("rev-huang", "status", "val-fail")},
	"ethics-approved":            {put("DocumentReference/ethics", "context", obj{"period": obj{"end": "2026-02-01"}}), content("DocumentReference/ethics", "another paper")},
	"order-active":               {put("DeviceRequest/order", "status", "draft"), put("DeviceRequest/order", "intent", "proposal")},
	"order-domain":               {put("DeviceRequest/order", "extension", arr{ext("device-domain", "valueCode", "lower-limb-prosthesis")})},
	"order-category":             {cut("DeviceRequest/order", "extension", hasURL("device-category"))},
	"order-patient":              {put("DeviceRequest/order", "subject", ref(other)), put("Patient/p", "identifier", nil), put("Patient/p", "name", nil), put("Patient/p", "gender", nil), put("Patient/p", "birthDate", nil)},
	"order-parties":              {put("DeviceRequest/order", "requester", ref(clin2.Principal)), put("DeviceRequest/order", "performer", ref("Organization/stranger")), put("DeviceRequest/order", "performer", ref("Organization/hospital"))},
	"order-by-attending":         {signedByColleague("DeviceRequest/order", "order")},
	"accepted-by-attending":      {signedByColleague("Composition/acceptance", "device-acceptance")},
	"assessed-by-attending":      {signedByColleague("DiagnosticReport/conformity", "conformity")},
	"followed-by-attending":      {signedByColleague("Composition/followup", "followup")},
	"patient-on-file":            {put("Patient/p", "gender", nil), put("Patient/p", "identifier", arr{obj{"system": "urn:hospital:mr", "value": "MR-7"}})},
	"order-age":                  {aged(47), aged(43), put("Patient/p", "birthDate", nil)},
	"manufacturer-on-file":       {directory("Organization/maker", "contact", arr{}), directory("Organization/maker", "address", arr{obj{"text": "somewhere"}})},
	"hospital-on-file":           {directory("Organization/hospital", "address", arr{}), directory("Organization/hospital", "contact", arr{})},
	"team-on-file":               {directory("PractitionerRole/qa-wu", "code", arr{}), directory("PractitionerRole/agent-sun", "organization", obj{"extension": arr{}})},
	"team-qualifications":        {directory("Practitioner/qa-wu", "qualification", arr{})},
	"team-verifications":         {verification("qa-wu", "validator", arr{}), verification("des-zhang", "lastPerformed", "2036-01-01T08:00:00Z")},
	"manufacturer-staff":         {cut("CareTeam/team", "participant", inRole("REV")), directory("PractitionerRole/prod-zhou", "organization", ref("Organization/hospital"))},
	"order-condition":            {put("DeviceRequest/order", "reasonReference", nil), put("DeviceRequest/order", "reasonCode", nil)},
	"order-plan":                 {put("DeviceRequest/order", "basedOn", nil), put("DeviceRequest/order", "basedOn", arr{ref("CarePlan/another")})},
	"order-images":               {put("DeviceRequest/order", "supportingInfo", arr{ref("ImagingStudy/another")})},
	"order-follows":              {afterDemand(-time.Hour), both(afterDemand(-time.Hour), put("DeviceRequest/order", "priorRequest", arr{ref("DeviceRequest/another")})), both(afterDemand(-time.Hour), ownOrder)},
	"order-risk":                 {put("RiskAssessment/risk", "prediction", nil)},
	"order-device-name":          {put("DeviceRequest/order", "codeCodeableConcept", obj{"coding": arr{obj{"code": "x"}}})},
	"order-parameters":           {cut("DeviceRequest/order", "parameter", is("code", "sterilisation")), cut("DeviceRequest/order", "parameter", is("code", "roughness"))},
	"order-pores":                {porousWithoutPores},
	"order-need-date":            {put("DeviceRequest/order", "occurrencePeriod", nil), put("DeviceRequest/order", "occurrencePeriod", obj{"end": "2020-01-01"})},
	"order-reason":               {cut("DeviceRequest/order", "extension", hasURL("custom-reason-statement"))},
	"order-contract":             {cut("DeviceRequest/order", "extension", hasURL("contract"))},
	"risk-decided-s06":           {undecided("S06"), undecided("S06", "")},
	"risk-decided-s07":           {undecided("S07"), undecided("S07", "")},
	"risk-decided-s08":           {undecided("S08"), undecided("S08", "")},
	"risk-decided-s09":           {undecided("S09"), undecided("S09", "")},
	"risk-decided-s10":           {undecided("S10"), undecided("S10", "")},
	"risk-decided-s11":           {undecided("S11"), undecided("S11", "")},
	"risk-decided-s12":           {undecided("S12"), undecided("S12", "")},
	"risk-decided-s13":           {undecided("S13"), undecided("S13", "")},
	"risk-decided-s14":           {undecided("S14"), undecided("S14", "")},
	"risk-decided-s15":           {undecided("S15"), undecided("S15", "")},
	"risk-decided-s16":           {undecided("S16"), undecided("S16", "")},
	"risk-decided-s11a":          {undecided("S11a"), undecided("S11a", "")},
	"risk-decided-s11b":          {undecided("S11b"), undecided("S11b", "")},
	// S07
	"input-sections":   {cut("Composition/input", "section", is("code", "biocompatibility")), cut("Composition/input", "section", is("code", "conversion-efficiency"))},
	"input-of-patient": {put("Composition/input", "subject", ref(other))},
	"input-of-lesion": {put("ServiceRequest/examination", "bodySite", arr{concept("urn:tenon:body-site", "PELVIS")}), put("Condition/defect", "bodySite", nil),
		put("Condition/defect", "bodySite", arr{obj{"coding": arr{obj{"system": "urn:tenon:body-site", "code": "SKULL"}, obj{"system": "urn:tenon:laterality", "code": "right"}}}})},
	"input-conversion":     {drop("Observation/conversion"), put("Observation/conversion", "component", nil)},
	"input-two-persons":    {asPerson("Composition/input", access.REV, des)},
	"input-reviewer-grade": {directory("PractitionerRole/rev-huang", "extension", arr{ext("grade", "valueInteger", 2)}), directory("PractitionerRole/rev-huang", "extension", arr{})},
	// S08
	"output-sections": {cut("Composition/design-output", "section", is("code", "patient-specific"))},
	"output-transfer-agreed": {sectionOf("Composition/design-output", "transfer-method", func(s obj) { s["extension"] = arr{ext("transfer-method", "valueCode", "offline-media")} }),
		sectionOf("Composition/design-output", "transfer-method", func(s obj) { delete(s, "extension") })},
	"working-time-fits":      {longWork},
	"output-of-patient":      {put("DocumentReference/drawing", "subject", ref(other)), put("DocumentReference/model", "subject", nil)},
	"output-device-name":     {put("DeviceDefinition/design", "deviceName", arr{obj{"name": "hip cup", "type": "user-friendly-name"}})},
	"output-usage-period":    {put("DeviceDefinition/design", "shelfLifeStorage", nil)},
	"output-validity":        {put("DocumentReference/model", "context", nil), later(91 * 24 * time.Hour)},
	"output-validity-length": {put("DocumentReference/model", "context", obj{"period": obj{"end": "2027-01-01"}}), put("DocumentReference/model", "context", nil)},
	"contingency-ready":      {put("DocumentReference/contingency", "status", "superseded"), put("DocumentReference/contingency", "subject", ref(other)), drop("DocumentReference/contingency")},
	"output-confidentiality": {put("DocumentReference/drawing", "securityLabel", nil)},
	"output-model-purpose":   {put("DocumentReference/model", "category", arr{concept("urn:tenon:model-purpose", "preview")}), put("DocumentReference/model", "category", nil)},
	"output-files-intact":    {content("DocumentReference/model", "model 2"), content("DocumentReference/description", "other")},
	"model-watertight":       {put("Observation/watertight", "valueBoolean", false), drop("Observation/watertight"), refile("DocumentReference/model", "model 2")},
	"output-material":        {put("DeviceDefinition/design", "material", nil)},
	"output-safety-critical": {put("DeviceDefinition/design", "extension", nil), both(put("DeviceDefinition/design", "extension", nil), uncritical)},
	"order-traced":           {cut("DeviceDefinition/design", "property", is("type", "dimension"))},
	"output-two-persons":     {asPerson("Composition/design-output", access.REV, des)},
	"output-reviewer-grade":  {directory("PractitionerRole/rev-huang", "extension", arr{ext("grade", "valueInteger", 1)})},
	"analysis-present":       {drop("DiagnosticReport/analysis")},
	"machine-fit":            {unwaived("machine-fit")},
	"output-list-files":      {cut("Composition/design-output", "section", is("code", "output-list")), refile("DocumentReference/drawing", "drawing 2")},
	"analysis-discussed": {
		drop("Communication/analysis-told"), drop("Communication/analysis-answered"), put("Communication/analysis-told", "recipient", arr{ref(prod.Principal)}),
		put("Communication/analysis-answered", "sent", "2026-01-01T08:00:00Z"), put("Communication/analysis-answered", "sent", nil),
		put("Communication/analysis-answered", "category", arr{concept("urn:tenon:dialogue", "reject")}), put("Communication/analysis-answered", "category", arr{concept("urn:tenon:document", "feedback")}),
		put("Communication/analysis-answered", "about", arr{ref("DocumentReference/model")}), put("Communication/analysis-answered", "status", "entered-in-error"),
		both(drop("Communication/analysis-answered"), func(w *world) { w.lay(about(w, "forged", "approve", clin, des), des.Principal) }),
		put("DiagnosticReport/analysis", "issued", nil),
	},
	"proposals-answered": {withProposal},
	"dialogue-in-form":   {said("about", nil), said("recipient", nil), said("payload", nil)},
	"reviews-favourable": {reviewed("complete", "urn:tenon:questionnaire:design-review|1.0.0"), reviewed("format", "urn:tenon:questionnaire:design-review")},
	// S09
	"verification-sections": {cut("Composition/v-plan", "section", is("code", "acceptance-criteria"))},
	"plan-before-results":   {put("DiagnosticReport/v-report", "issued", "2026-01-01T00:00:00Z"), unsigned("Composition/v-plan", "plan-approval", access.REV)},
	"results-pass":          {failed("DiagnosticReport/v-report"), put("DiagnosticReport/v-report", "status", "preliminary")},
	"results-cover-plan":    {put("Observation/v-thickness", "interpretation", arr{concept("urn:tenon:verdict", "fail")}), put("Observation/v-thickness", "code", concept("urn:tenon:characteristic", "width")), put("DiagnosticReport/v-report", "result", nil), put("Observation/v-thickness", "method", nil)},
	"specification-cited":   {put("DiagnosticReport/v-report", "extension", arr{ext("follows", "valueReference", ref("Composition/v-plan"))}), put("DiagnosticReport/v-report", "extension", arr{ext("follows", "valueReference", ref("DocumentReference/specification"))})},
	"software-aspects":      {verification("vr-cad", "extension", arr{ext("validated-version", "valueString", "5.2.0")}), verification("vr-cad", "frequency", obj{})},
	"plan-of-conditions": {cut("Composition/v-plan", "section", func(s obj) bool { return s["entry"] != nil }),
		sectionOf("Composition/design-output", "verification-conditions", func(s obj) { delete(s, "text"); s["emptyReason"] = obj{"text": "none"} })},
	"software-certified":   {verification("vr-cad-security", "nextScheduled", "2026-02-01"), verification("vr-cad-security", "validationProcess", arr{}), verification("vr-cad-security", "status", "val-fail"), uncertifiedVersion},
	"tool-chain":           {putAll("extension", nil, "DocumentReference/model", "DocumentReference/drawing", "DiagnosticReport/analysis"), otherVersion("DocumentReference/model")},
	"software-validated":   {put("Device/cad", "version", arr{obj{"value": "5.3.0"}}), verificationGone("Device/cad")},
	"verified-by-two":      {asPerson("DocumentReference/model", access.REV, des), unsigned("DocumentReference/model", "verification", access.DES)},
	"integration-verified": {withTool},
	// S10
	"validation-sections":    {cut("Composition/val-plan", "section", is("code", "methods"))},
	"validation-pass":        {failed("DiagnosticReport/val-report"), put("DiagnosticReport/val-report", "category", nil)},
	"validation-covers-plan": {put("Observation/val-thickness", "interpretation", arr{concept("urn:tenon:verdict", "fail")}), put("Observation/val-thickness", "status", "preliminary")},
	"scheme-sections":        {cut("Composition/scheme", "section", is("code", "flow-chart")), cut("Composition/scheme", "section", is("code", "technical-requirements"))},
	"form-dated":             {put("Composition/form", "date", nil)},
	"form-names-model":       {cut("Composition/form", "section", is("code", "confirmed-design"))},
	"form-binds-file":        {refile("DocumentReference/model", "model 2"), cut("Composition/form", "section", is("code", "confirmed-design"))},
	"model-intact":           {content("DocumentReference/model", "model 2")},
	"confirmed-by-two":       {asPerson("Composition/form", access.PROD, clin)},
	// S11
	"design-confirmed":        {anew("S10"), anew("S08")},
	"confirmation-current":    {refile("DocumentReference/model", "model 2"), unsigned("Composition/form", "design-confirmation", access.PROD)},
	"machine-validated":       {input("machine", "Device/printer-new"), asProduct("DeviceDefinition/other-family"), verificationGone("Device/printer")},
	"material-permitted":      {input("material", "Substance/ti64-lot-unpermitted"), put("Substance/ti64-lot", "status", "inactive")},
	"material-ordered":        {put("Substance/ti64-lot", "code", concept("urn:tenon:material", "PEEK"))},
	"process-validated":       {verification("vr-process", "status", "val-fail")},
	"output-not-expired":      {later(120 * 24 * time.Hour)},
	"model-for-manufacturing": {put("DocumentReference/model", "category", arr{concept("urn:tenon:model-purpose", "preview")})},
	"model-file-intact":       {content("DocumentReference/model", "model 2")},
	"machine-capability":      {unwaived("machine-capability")},
	"machine-recorded":        {put("Device/printer", "serialNumber", nil), put("Substance/ti64-lot", "category", nil), directory("ActivityDefinition/lpbf-ti64", "status", "draft")},
	"capability-assessed":     {failed("DiagnosticReport/capability"), put("DiagnosticReport/capability", "subject", ref("Device/printer-new")), put("DiagnosticReport/capability", "extension", nil), drop("DiagnosticReport/capability")},
	"type-inspection-current": {verificationGone("DeviceDefinition/family-cranial-plate")},
	"operations-documented":   {put("Task/op-cleaning", "requester", nil), put("Task/op-post-processing", "output", nil), put("Task/op-print", "executionPeriod", nil)},
	"operations-in-order":     {timed("post-processing", early), timed("sterilisation", early), timed("warehouse-in", early), timed("warehouse-out", "2030-01-01T00:00:00Z")},
	"material-still-permitted": {
		put("Substance/ti64-lot", "status", "inactive"), verificationGone("Substance/ti64-lot"), input("material", "Substance/ti64-lot-unpermitted"),
		put("Task/op-post-processing", "input", arr{obj{"type": concept("urn:tenon:process-parameter", "coating"), "valueReference": ref("Substance/ti64-lot-unpermitted")}}),
	},
	"process-recorded":    {withParameter("oxygen", 0.5), withParameter("laser-power", 100), put("Task/op-print", "input", nil)},
	"order-inspected":     {put("Observation/i-look", "interpretation", arr{concept("urn:tenon:verdict", "fail")}), drop("Observation/i-look"), put("Observation/m-thickness", "device", nil), both(put("Observation/m-thickness", "valueQuantity", quantity("3.30", "mm")), put("Observation/m-thickness", "referenceRange", arr{obj{"high": quantity("3.5", "mm")}}))},
	"samples-of-lot":      {put("Specimen/coupon", "processing", arr{obj{"additive": arr{ref("Substance/other")}}})},
	"history-complete":    {cut("Composition/history", "section", is("code", "machine")), cut("Composition/history", "section", is("code", "process-parameters"))},
	"operations-recorded": {drop("Task/op-print"), put("Task/op-sterilisation", "status", "in-progress")},
	"warehouse-recorded":  {drop("Task/op-warehouse-out")},
	"inspections-pass":    {failed("DiagnosticReport/inspection")},
	"device-unique-code":  {put("Device/implant", "lotNumber", nil), both(put("Device/implant", "udiCarrier", nil), put("Device/implant", "distinctIdentifier", nil))},
	"device-active":       {put("Device/implant", "status", "inactive"), put("Device/implant", "status", nil)},
	"device-of-patient":   {put("Device/implant", "patient", ref(other)), put("Device/implant", "patient", nil)},
	"retained-samples":    {put("Specimen/coupon", "collection", obj{"quantity": obj{"value": 1}}), put("Specimen/coupon", "status", "unavailable"), drop("Specimen/coupon")},
	"label-and-ifu":       {content("DocumentReference/label", "other"), content("DocumentReference/ifu", "other")},
	"label-content":       {labelPart("site"), labelPart("anatomy-check"), put("Device/implant", "extension", nil)},
	"label-dates":         {labelDate("image-date", "2026-02-28"), labelDate("design-date", "2026-03-09")},
	// S12
	"samples-planned": {put("Specimen/coupon", "collection", obj{"quantity": obj{"value": 1}})},
	// S13
	"delivered-device":    {put("SupplyDelivery/delivery", "status", "in-progress"), put("SupplyDelivery/delivery", "suppliedItem", obj{"itemReference": ref("Device/another")})},
	"delivery-of-patient": {put("SupplyDelivery/delivery", "patient", ref(other))},
	"label-is-patient":    {relabel("李四", "MR-7"), relabel("张三", "MR-8"), put("DocumentReference/label", "context", nil)},
	"custody-unbroken": {drop("Provenance/custody-carried"), put("Provenance/custody-carried", "occurredDateTime", "2026-01-01T00:00:00Z"), put("Provenance/custody-dispatched", "agent", arr{}), put("Provenance/custody-doctor-received", "agent", arr{obj{"who": ref(agent.Principal)}}), put("Provenance/custody-doctor-received", "occurredDateTime", "2031-01-01T00:00:00Z"),
		put("Provenance/custody-carried", "target", arr{ref("SupplyDelivery/delivery"), ref("Device/implant")})},
	// S14
	"data-complete":   {cut("Composition/data", "section", is("code", "precautions"))},
	"data-of-patient": {put("DocumentReference/data-file", "subject", ref(other))},
	"data-intact":     {content("DocumentReference/data-file", "other")},
	// S15
	"form-judged":      {both(put("Observation/j-form", "category", nil), put("Observation/j-fit", "category", nil))},
	"structure-judged": {drop("Observation/j-structure")},
	"function-judged":  {both(put("Observation/j-function", "category", nil), put("Observation/j-biocompatibility", "category", nil), put("Observation/j-cell-response", "category", nil))},
	"process-judged":   {put("Observation/j-process-legality", "code", obj{"text": "x"})},
	"no-nonconformity": {put("Observation/j-form", "valueCodeableConcept", concept("urn:tenon:verdict", "nonconform")), put("DiagnosticReport/process-judgement", "conclusionCode", arr{concept("urn:tenon:verdict", "nonconform")})},
	"process-covered":  {anew("S12"), anew("S05")},
	// S16
	"acceptance-objects":  {cut("Composition/acceptance", "section", is("code", "label"))},
	"third-party-reports": {withThirdParty},
	"judged-conform":      {anew("S15")},
	// S17
	"device-accepted":  {anew("S16")},
	"assessed-conform": {put("DiagnosticReport/conformity", "conclusionCode", arr{concept("urn:tenon:verdict", "nonconform")})},
	"right-patient":    {put("Device/implant", "patient", ref(other))},
	"right-hospital":   {put("Device/implant", "owner", ref("Organization/another")), put("Device/implant", "owner", nil)},
	"device-in-order":  {put("Device/implant", "status", "inactive")},
	"no-open-problem":  {withProblem},
	"image-age":        {later(91 * 24 * time.Hour), put("ImagingStudy/ct", "started", nil)},
	// S18
	"used-right-device": {put("Procedure/use", "focalDevice", arr{obj{"manipulated": ref("Device/another")}}), put("Procedure/use", "subject", ref(other))},
	"visits-made":       {put("Encounter/visit-1", "status", "planned")},
	"duration-reached":  {put("Procedure/use", "performedDateTime", "2026-12-31T00:00:00Z"), put("Procedure/use", "focalDevice", nil), both(futureVisit("visit-1"), futureVisit("visit-2"))},
	"shape-observed":    {put("Observation/f-shape-change", "code", obj{"text": "x"})},
	"effect-observed":   {put("Goal/goal", "achievementStatus", nil), put("Observation/f-strength-in-use", "code", obj{"text": "x"})},
	// S19
	"feedback-sent":       {put("Communication/feedback", "sent", nil), put("Communication/feedback", "status", "preparation")},
	"feedback-recipients": {put("Communication/feedback", "recipient", arr{ref(des.Principal)}), put("Communication/feedback", "recipient", arr{ref(prod.Principal), ref(clin.Principal)})},
	"followup-complete":   {anew("S18")},
}

// signedByColleague lets the other clinician of the team have signed.
func signedByColleague(ref, purpose string) removal {
	return func(w *world) {
		w.signatures = slices.Clone(w.signatures)
		for i := range w.signatures {
			if s := &w.signatures[i]; s.Target == ref && s.Purpose == purpose && s.Role == access.CLIN {
				s.Signer, s.Person = clin2.Principal, clin2.Person
			}
		}
	}
}

func addOutput(w *world, stage, document, target string) {
	w.alter(w.task(stage), func(b obj) { b["output"] = append(b["output"].([]any), output(document, target)) })
}

func badConsentForm(w *world) {
	w.lay(document("consent-form", "scan"), clin.Principal)
	content("DocumentReference/consent-form", "other scan")(w)
	addOutput(w, "S01", "consent-form", "DocumentReference/consent-form")
}

func badScan(w *world) {
	w.lay(document("scan", "surface"), img.Principal)
	content("DocumentReference/scan", "other surface")(w)
	addOutput(w, "S02", "image-study", "DocumentReference/scan")
}

func withoutParties(w *world) {
	w.alter("Contract/agreement", func(b obj) { delete(b["term"].([]any)[0].(obj)["offer"].(obj), "party") })
}

func inRole(role string) func(obj) bool {
	return func(p obj) bool { return p["role"].([]any)[0].(obj)["coding"].([]any)[0].(obj)["code"] == role }
}

func porousWithoutPores(w *world) {
	w.alter("DeviceRequest/order", func(b obj) {
		for _, p := range b["parameter"].([]any) {
			if is("code", "structure")(p.(obj)) {
				p.(obj)["valueCodeableConcept"] = concept("urn:tenon:structure", "porous")
			}
		}
	})
}

func withTool(w *world) {
	w.alter("DeviceRequest/order", func(b obj) {
		for _, p := range b["parameter"].([]any) {
			if is("code", "surgical-tool")(p.(obj)) {
				p.(obj)["valueCodeableConcept"] = concept("urn:tenon:surgical-tool", "guide")
			}
		}
	})
}

func withThirdParty(w *world) {
	w.alter("DeviceRequest/order", func(b obj) {
		b["parameter"] = append(b["parameter"].([]any), obj{"code": concept("urn:tenon:parameter", "third-party-report"), "valueBoolean": true})
	})
}

// uncritical lets the design say of one property that it is not critical to safe use.
func uncritical(w *world) {
	designProperty(w, obj{"type": concept("urn:tenon:characteristic", "thickness"), "valueCode": arr{obj{"text": "x"}}, "extension": arr{ext("safety-critical", "valueBoolean", false)}})
}

// withProposal is a proposal of the designer that nobody answered.
func withProposal(w *world) {
	w.lay(obj{"resourceType": "Communication", "id": "proposal", "status": "completed", "category": arr{concept("urn:tenon:dialogue", "proposal")}, "subject": ref("Patient/p"),
		"about": arr{ref("DocumentReference/model")}, "sender": ref(des.Principal), "recipient": arr{ref(clin.Principal)}, "payload": arr{obj{"contentString": "a rim of 2 mm"}}}, des.Principal)
}

// said is a comment on the model with another member, or without it.
func said(name string, value any) removal {
	return func(w *world) {
		comment := obj{"resourceType": "Communication", "id": "comment", "status": "completed", "category": arr{concept("urn:tenon:dialogue", "comment")}, "subject": ref("Patient/p"),
			"about": arr{ref("DocumentReference/model")}, "sender": ref(des.Principal), "recipient": arr{ref(clin.Principal)}, "payload": arr{obj{"contentString": "a rim of 2 mm"}}}
		if comment[name] = value; value == nil {
			delete(comment, name)
		}
		w.lay(comment, des.Principal)
	}
}

// reviewed is a review that finds one thing wanting.
func reviewed(wanting, form string) removal {
	return func(w *world) {
		review := answers(w, "review", "", rev, "complete", wanting != "complete", "accurate", true, "format", wanting != "format")
		review["questionnaire"] = form
		w.lay(review, rev.Principal)
	}
}

// otherVersion lets a file be made with a version that is not verified.
func otherVersion(ref string) removal {
	return func(w *world) {
		w.alter(ref, func(b obj) {
			b["extension"].([]any)[0].(obj)["extension"].([]any)[1].(obj)["valueString"] = "6.0"
		})
	}
}

const early = "2026-01-01T00:00:00Z"

// timed lets an operation begin and end at a time.
func timed(operation, at string) removal {
	return put("Task/op-"+operation, "executionPeriod", obj{"start": at, "end": at})
}

// withParameter records another value of printing.
func withParameter(code string, value float64) removal {
	return func(w *world) {
		w.alter("Task/op-print", func(b obj) {
			for _, in := range b["input"].([]any) {
				if is("type", code)(in.(obj)) {
					in.(obj)["valueQuantity"].(obj)["value"] = value
				}
			}
		})
	}
}

// putAll sets the same member of several resources.
func putAll(name string, value any, refs ...string) removal {
	return func(w *world) {
		for _, r := range refs {
			put(r, name, value)(w)
		}
	}
}

func withProblem(w *world) {
	w.lay(obj{"resourceType": "DetectedIssue", "id": "problem", "status": "preliminary", "implicated": arr{ref("Device/implant")}}, clin.Principal)
}

func relabel(name, number string) removal {
	return func(w *world) {
		w.alter("DocumentReference/label", func(b obj) {
			p := b["contained"].([]any)[0].(obj)
			p["name"] = arr{obj{"text": name}}
			p["identifier"] = arr{obj{"system": "urn:hospital:mr", "value": number}}
		})
	}
}

func futureVisit(id string) removal {
	return put("Encounter/"+id, "period", obj{"start": "2030-01-01T00:00:00Z", "end": "2030-01-01T01:00:00Z"})
}

// verificationGone lets every validation of something be overdue.
func verificationGone(target string) removal {
	return func(w *world) {
		found := false
		for _, r := range slices.Clone(w.directory) {
			if r.Type != "VerificationResult" {
				continue
			}
			for t := range r.Root.Field("target").Items() {
				if t.Field("reference").Str() == target {
					w.alterDirectory(r.Ref(), func(b obj) { b["nextScheduled"] = "2026-02-01" })
					found = true
				}
			}
		}
		if !found {
			w.t.Fatalf("%s has no verification", target)
		}
	}
}
