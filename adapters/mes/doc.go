// Package mes is the canonical model between a case and the manufacturer's
// execution system, after ISA-95: a job order goes out, news of the job come
// back. The mappings (webhook, B2MML, OPC UA …) are thin and live below it.
//
//	G-PRODUCE opens → outbox → sink → MES
//	change, stop → outbox → sink → MES: hold, resume, change, cancel
//	MES → news → record: operation Tasks, Observations, the Device, answers
package mes
