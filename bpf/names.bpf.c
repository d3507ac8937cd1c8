// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that audited processes make, move and remove: at the return of the system call, with its
 * arguments as they were given, which are the same at every attach level.
 */
#include "frame.bpf.h"
#include "names.bpf.h"

#define FILE_CREATED	0x100000 /* FMODE_CREATED: include/linux/fs.h, 4.19 to 7.2 */
#define AT_FDCWD	(-100)	 /* include/uapi/linux/fcntl.h */
#define AF_UNIX		1	 /* include/linux/socket.h */
#define AT_REMOVEDIR	0x200
#define RENAME_EXCHANGE 2 /* include/uapi/linux/fs.h */

static __always_inline struct change_buffer *change_buffer(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&change_scratch, &zero);
}

static __always_inline __u64 facts_of(struct dentry *named, struct dentry *replaced)
{
	__u32 type = named ? BPF_CORE_READ(named, d_inode, i_mode) & S_IFMT : 0;

	return CHANGE_SEEN | (type == S_IFDIR ? CHANGE_OF_DIRECTORY : 0) |
	       (type == S_IFLNK ? CHANGE_OF_SYMLINK : 0) |
	       (replaced && BPF_CORE_READ(replaced, d_inode) ? CHANGE_REPLACES : 0);
}

static __always_inline bool same_inode(const struct state_inode *a, const struct state_inode *b)
{
	return a->ino == b->ino && a->s_dev == b->s_dev && a->generation == b->generation;
}

/*
 * The system call in progress may change these directories; NULL: there is none, or it names
 * nothing yet. What a stacked file system then does to those below is not what was asked for.
 */
static __always_inline int will_change(struct inode *old_dir, struct inode *new_dir,
				       struct dentry *named, struct dentry *replaced)
{
	struct state_changing note = {.syscall = current_syscall(), .at_ns = bpf_ktime_get_ns()};
	struct inode *dir = new_dir ? new_dir : old_dir;
	__u32 tid = bpf_get_current_pid_tgid();
	struct state_changing *found = bpf_map_lookup_elem(&changing, &tid);

	note.depth = BPF_CORE_READ(dir, i_sb, s_stack_depth);
	if (found && found->syscall != note.syscall)
		found = NULL;
	if (found && found->depth > note.depth)
		return 0;
	if (old_dir)
		read_inode_key(&note.dirs[CHANGE_OLD], old_dir);
	if (new_dir)
		read_inode_key(&note.dirs[CHANGE_NEW], new_dir);
	/* What was found is of this call, which goes by another directory now, or of an earlier one
	 * whose return was not seen (the kernel skipped our program, or it was called as 32-bit
	 * programs do): which directory counts is not known then. */
	if (found && (!same_inode(&found->dirs[CHANGE_OLD], &note.dirs[CHANGE_OLD]) ||
		      !same_inode(&found->dirs[CHANGE_NEW], &note.dirs[CHANGE_NEW]))) {
		__builtin_memset(note.dirs, 0, sizeof(note.dirs));
	} else {
		if (named)
			read_inode_key(&note.named, BPF_CORE_READ(named, d_inode));
		note.facts = facts_of(named, replaced);
	}
	bpf_map_update_elem(&changing, &tid, &note, BPF_ANY);
	return 0;
}

/* Security hooks: whatever the file system, with the same arguments from 5.10 to 7.2. */
SEC("kprobe")
int BPF_KPROBE(name_made, struct inode *dir)
{
	return names_are_wanted() ? GUARDED(will_change(NULL, dir, NULL, NULL)) : 0;
}

SEC("kprobe")
int BPF_KPROBE(name_removed, struct inode *dir, struct dentry *dentry)
{
	return names_are_wanted() ? GUARDED(will_change(dir, NULL, dentry, NULL)) : 0;
}

SEC("kprobe/security_inode_link")
int BPF_KPROBE(name_linked, struct dentry *old, struct inode *dir)
{
	return names_are_wanted() ? GUARDED(will_change(NULL, dir, old, NULL)) : 0;
}

SEC("kprobe/security_inode_rename")
int BPF_KPROBE(name_moved, struct inode *old_dir, struct dentry *old, struct inode *new_dir,
	       struct dentry *new)
{
	return names_are_wanted() ? GUARDED(will_change(old_dir, new_dir, old, new)) : 0;
}

static __always_inline void fill_side(struct event_change_side *side, const struct state_inode *dir)
{
	side->dir_ino = dir->ino;
	side->dir_s_dev = dir->s_dev;
	side->dir_generation = dir->generation;
}

/* Which directories the system call that returns changed, and of what the name. */
static __always_inline void fill_inodes(struct event_change *change)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct state_changing *found = bpf_map_lookup_elem(&changing, &tid);

	if (!found || found->syscall < 0 || found->syscall != current_syscall())
		return;
	if (!change->begun_ns)
		change->begun_ns = found->at_ns;
	fill_side(&change->sides[CHANGE_OLD], &found->dirs[CHANGE_OLD]);
	fill_side(&change->sides[CHANGE_NEW], &found->dirs[CHANGE_NEW]);
	change->ino = found->named.ino;
	change->s_dev = found->named.s_dev;
	change->generation = found->named.generation;
	change->facts = found->facts;
}

/* In which transaction the system call that returns changed names. */
static __always_inline void fill_order(struct event_change *change)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct state_order *order = bpf_map_lookup_elem(&orders, &tid);
	struct xfs_cil *cil;

	if (!order || order->syscall < 0 || order->syscall != current_syscall())
		return;
	cil = (void *)order->cil;
	change->order_s_dev = order->s_dev;
	change->order = order->number;
	change->begun_ns = order->at_ns;
	if (cil && bpf_core_field_exists(cil->xc_current_sequence))
		change->order = BPF_CORE_READ(cil, xc_current_sequence);
}

/* Puts the change together, but for its sides. */
static __always_inline void begin_change(struct event_change *change, __u32 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 now = bpf_ktime_get_ns();

	__builtin_memset(change, 0, __builtin_offsetof(struct event_change, names));
	change->header.type = EVENT_CHANGE;
	change->header.version = EVENTS_VERSION;
	change->header.size = __builtin_offsetof(struct event_change, names);
	change->at_ns = now;
	change->pid = BPF_CORE_READ(task, tgid);
	change->tid = BPF_CORE_READ(task, pid);
	change->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	bpf_probe_read_kernel_str(change->comm, sizeof(change->comm), &task->comm);
	change->kind = kind;
	fill_order(change);
	fill_inodes(change);
	change->sides[CHANGE_OLD].id = new_call_id(now);
	change->sides[CHANGE_NEW].id = new_call_id(now + 1); /* this one is no other's either */
}

/* The directory that a name is relative to. */
static __always_inline void note_base(struct event_change_side *side, struct dentry *dentry,
				      struct vfsmount *mnt)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);

	side->base_ino = BPF_CORE_READ(inode, i_ino);
	side->base_s_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	side->base_generation = BPF_CORE_READ(inode, i_generation);
	emit_dentry_path((__u64)dentry, (__u64)mnt, side->id);
}

/* The bytes of names that are in use, as a bound that the verifier sees. */
static __always_inline __u32 names_used(struct event_change *change)
{
	__u32 used = change->header.size - __builtin_offsetof(struct event_change, names);

	barrier_var(used);
	return used & (2 * EVENT_NAME_SIZE - 1);
}

/* A name of at most @limit bytes, with a NUL, that the system call was given, relative to the
 * directory open as @directory, to the working directory, or to the root. */
__noinline int note_side(__u32 which, __u64 directory, __u64 text, __u32 limit)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct change_buffer *buffer = change_buffer();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct event_change_side *side;
	struct event_change *change;
	struct file *file;
	__u32 used;
	__u64 most;
	long length;

	if (!buffer)
		return 0;
	change = &buffer->change;
	used = names_used(change);
	most = limit & (2 * EVENT_NAME_SIZE - 1);
	barrier_var(most); /* the bound that is checked is that of what is used */
	if (most > EVENT_NAME_SIZE)
		return 0;
	length = bpf_probe_read_user_str(&change->names[used], most, (void *)text);
	if (length <= 0)
		return 0; /* it was changed after the call: then what it was is not known */
	side = which == CHANGE_OLD ? &change->sides[CHANGE_OLD] : &change->sides[CHANGE_NEW];
	side->length = length;
	change->header.size += length;
	if (change->names[used] == '/') {
		note_base(side, BPF_CORE_READ(fs, root.dentry), BPF_CORE_READ(fs, root.mnt));
	} else if ((int)directory == AT_FDCWD) {
		note_base(side, BPF_CORE_READ(fs, pwd.dentry), BPF_CORE_READ(fs, pwd.mnt));
	} else {
		file = fd_file(directory);
		note_base(side, BPF_CORE_READ(file, f_path.dentry),
			  BPF_CORE_READ(file, f_path.mnt));
	}
	return 0;
}

static __always_inline void emit_change(struct event_change *change)
{
	__u32 size = names_used(change) + __builtin_offsetof(struct event_change, names);

	emit(change, size, LOSS_RING_FLUSH);
}

static __always_inline __u32 kind_of(const volatile struct state_changer *changer)
{
	__u64 flags = changer->flags ? argument(changer->flags) : 0;

	if (changer->kind == CHANGE_UNLINK && (flags & AT_REMOVEDIR))
		return CHANGE_RMDIR;
	if (changer->kind == CHANGE_RENAME && (flags & RENAME_EXCHANGE))
		return CHANGE_EXCHANGE;
	return changer->kind;
}

/* Where in the address of a socket its name begins, 0: it has none. */
static __always_inline __u64 socket_name(__u64 address, __u32 length)
{
	__u16 family = 0;
	char first = 0;

	if (length <= sizeof(family) ||
	    bpf_probe_read_user(&family, sizeof(family), (void *)address) || family != AF_UNIX ||
	    bpf_probe_read_user(&first, 1, (void *)(address + sizeof(family))) || !first)
		return 0; /* abstract, or no path */
	return address + sizeof(family);
}

static __always_inline int change_returned(struct syscall_exit *ctx)
{
	const volatile struct state_changer *changer = NULL;
	struct change_buffer *buffer = change_buffer();
	__u32 i, limit = EVENT_NAME_SIZE;
	__u64 name;

	for (i = 0; i < STATE_CHANGERS; i++)
		if (changers[i].number == ctx->number && changers[i].kind < CHANGE_KINDS) {
			changer = &changers[i];
			break;
		}
	if (!changer || !buffer)
		return 0;
	name = changer->new_name ? argument(changer->new_name) : 0;
	if (changer->address) {
		limit = argument(changer->address);
		name = socket_name(name, limit);
		if (!name)
			return 0;
		limit -= sizeof(__u16) - 1; /* of the family; it may have no NUL of its own */
	}
	begin_change(&buffer->change, kind_of(changer));
	if (changer->old_name)
		note_side(CHANGE_OLD, changer->old_dir ? argument(changer->old_dir) : AT_FDCWD,
			  argument(changer->old_name), EVENT_NAME_SIZE);
	if (changer->new_name)
		note_side(CHANGE_NEW, changer->new_dir ? argument(changer->new_dir) : AT_FDCWD,
			  name, limit);
	emit_change(&buffer->change);
	return 0;
}

static __always_inline void change_is_over(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&orders, &tid);
	bpf_map_delete_elem(&changing, &tid);
}

static __always_inline int change_over(struct syscall_exit *ctx)
{
	if (!ctx->ret)
		change_returned(ctx);
	change_is_over();
	return 0;
}

SEC("tracepoint")
int exit_change(struct syscall_exit *ctx)
{
	return names_are_wanted() ? GUARDED(change_over(ctx)) : 0;
}

/* open() made a file: its directory is known by itself. */
static __always_inline int open_returned(unsigned int fd)
{
	struct change_buffer *buffer = change_buffer();
	struct file *file = fd_file(fd);
	struct event_change_side *side;
	struct event_change *change;
	struct dentry *dentry;
	struct inode *inode;
	long length;

	if (!file || !buffer || !(BPF_CORE_READ(file, f_mode) & FILE_CREATED) ||
	    (BPF_CORE_READ(file, f_flags) & FILE_NAMELESS))
		return 0;
	change = &buffer->change;
	begin_change(change, CHANGE_CREATE);
	inode = BPF_CORE_READ(file, f_inode);
	change->ino = BPF_CORE_READ(inode, i_ino);
	change->s_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	change->generation = BPF_CORE_READ(inode, i_generation);
	side = &change->sides[CHANGE_NEW];
	dentry = BPF_CORE_READ(file, f_path.dentry);
	length = bpf_probe_read_kernel_str(change->names, EVENT_NAME_SIZE,
					   BPF_CORE_READ(dentry, d_name.name));
	if (length <= 0)
		return 0;
	side->length = length;
	change->header.size += length;
	note_base(side, BPF_CORE_READ(dentry, d_parent), BPF_CORE_READ(file, f_path.mnt));
	emit_change(change);
	return 0;
}

static __always_inline int open_over(struct syscall_exit *ctx)
{
	if (ctx->ret >= 0)
		open_returned(ctx->ret);
	change_is_over();
	return 0;
}

SEC("tracepoint")
int exit_open(struct syscall_exit *ctx)
{
	return names_are_wanted() ? GUARDED(open_over(ctx)) : 0;
}
