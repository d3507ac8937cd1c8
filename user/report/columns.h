/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FLUSHAUDIT_COLUMNS_H
#define FLUSHAUDIT_COLUMNS_H

/* What one row of a table is in JSON: SQL that makes an object of it, the same in every report. */
#define JSON_SYNC                                                                                  \
	"json_object('id', id, 't_ns', t_ns, 'kind', kind, 'pid', pid, 'tid', tid, 'comm', comm,"  \
	" 'dev', dev, 'ino', json(printf('%u', ino)), 'path', path, 'fs', fs, 'ret', ret,"         \
	" 'latency_ns', latency_ns, 'verdict', verdict, 'reason', reason, 'grounds', grounds,"     \
	" 'flush_id', flush_id, 'covered_by', covered_by, 'covered_after_ns', covered_after_ns,"   \
	" 'parent_id', parent_id, 'detail', detail)"

#define JSON_FINDING                                                                               \
	"json_object('kind', kind, 'severity', severity, 'path', path, 'detail', detail,"          \
	" 'since_ns', since_ns, 'bytes', bytes, 'posix', posix, 'filesystem', filesystem)"

#define JSON_PROGRAM                                                                               \
	"json_object('comm', comm, 'syncs', syncs, 'durable', durable, 'covered', covered,"        \
	" 'covered_after_ns', covered_after_ns, 'not_durable', not_durable, 'unproven', unproven," \
	" 'most_synced_path', most_synced_path, 'most_synced_calls', most_synced_calls,"           \
	" 'most_synced_exposed_ns', most_synced_exposed_ns,"                                       \
	" 'files', files, 'exposed_ns', exposed_ns, 'exposed_path', exposed_path,"                 \
	" 'at_risk', at_risk, 'risk_bytes', risk_bytes)"

#define JSON_EXPOSURE                                                                              \
	"json_object('path', path, 'dev', dev, 'ino', json(printf('%u', ino)), 'pid', pid,"        \
	" 'comm', comm, 'bytes', bytes, 'peak_bytes', peak_bytes, 'left_bytes', left_bytes,"       \
	" 'longest_ns', longest_ns, 'state', state, 'syncs', syncs, 'sync_id', sync_id,"           \
	" 'flush_id', flush_id, 'flushed_after_ns', flushed_after_ns, 'detail', detail)"

#define JSON_CHANGE                                                                                \
	"json_object('id', id, 't_ns', t_ns, 'kind', kind, 'pid', pid, 'tid', tid, 'comm', comm,"  \
	" 'grounds', grounds, 'old_path', old_path, 'old_dev', old_dev,"                           \
	" 'old_dir', json(iif(old_dir IS NULL, 'null', printf('%u', old_dir))), 'old_posix', "     \
	"old_posix,"                                                                               \
	" 'old_sync_id', old_sync_id, 'new_path', new_path, 'new_dev', new_dev,"                   \
	" 'new_dir', json(iif(new_dir IS NULL, 'null', printf('%u', new_dir))), 'new_posix', "     \
	"new_posix,"                                                                               \
	" 'new_sync_id', new_sync_id, 'filesystem', filesystem, 'durable_by', durable_by, "        \
	"'transaction', txn,"                                                                      \
	" 'flush_id', flush_id, 'object', object, 'replaces', replaces,"                           \
	" 'data', (SELECT data FROM moved WHERE change_id = id AND path = new_path),"              \
	" 'data_sync_id', (SELECT sync_id FROM moved WHERE change_id = id AND path = new_path))"

#endif
