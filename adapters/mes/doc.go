// Package mes is the canonical model between a case and the manufacturer's
// execution system, after ISA-95: a job order goes out, news of the job come
// back. The mappings (webhook, B2MML, OPC UA …) are thin and live below it.
//
//	G-PRODUCE opens → outbox → sink → MES
//	MES → news → record: operation Tasks, Observations, the Device
package mes
