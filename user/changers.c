// SPDX-License-Identifier: GPL-2.0-only
#include "changers.h"

#include <string.h>
#include <sys/syscall.h>

/* Number, kind, positions of: old directory, old name, new directory, new name, flags, and
 * length of the address that the new name is in. Of link() only the new name is one that changes.
 */
static const struct state_changer changers[] = {
#ifdef SYS_rename
	{SYS_rename, CHANGE_RENAME, 0, 1, 0, 2, 0, 0},
#endif
#ifdef SYS_renameat
	{SYS_renameat, CHANGE_RENAME, 1, 2, 3, 4, 0, 0},
#endif
	{SYS_renameat2, CHANGE_RENAME, 1, 2, 3, 4, 5, 0},
#ifdef SYS_link
	{SYS_link, CHANGE_LINK, 0, 0, 0, 2, 0, 0},
#endif
	{SYS_linkat, CHANGE_LINK, 0, 0, 3, 4, 0, 0},
#ifdef SYS_symlink
	{SYS_symlink, CHANGE_SYMLINK, 0, 0, 0, 2, 0, 0},
#endif
	{SYS_symlinkat, CHANGE_SYMLINK, 0, 0, 2, 3, 0, 0},
#ifdef SYS_unlink
	{SYS_unlink, CHANGE_UNLINK, 0, 1, 0, 0, 0, 0},
#endif
	{SYS_unlinkat, CHANGE_UNLINK, 1, 2, 0, 0, 3, 0},
#ifdef SYS_rmdir
	{SYS_rmdir, CHANGE_RMDIR, 0, 1, 0, 0, 0, 0},
#endif
#ifdef SYS_mkdir
	{SYS_mkdir, CHANGE_MKDIR, 0, 0, 0, 1, 0, 0},
#endif
	{SYS_mkdirat, CHANGE_MKDIR, 0, 0, 1, 2, 0, 0},
#ifdef SYS_mknod
	{SYS_mknod, CHANGE_MKNOD, 0, 0, 0, 1, 0, 0},
#endif
	{SYS_mknodat, CHANGE_MKNOD, 0, 0, 1, 2, 0, 0},
	/* A socket in the file system: the name is that of its address, whose length is next. */
	{SYS_bind, CHANGE_MKNOD, 0, 0, 0, 2, 0, 3},
};

_Static_assert(sizeof(changers) <= STATE_CHANGERS * sizeof(changers[0]),
	       "more system calls than the table has room for");

void changers_fill(struct state_changer *table)
{
	size_t i;

	memset(table, 0, STATE_CHANGERS * sizeof(*table));
	/* No system call of that kind: those that are left over match nothing. */
	for (i = 0; i < STATE_CHANGERS; i++)
		table[i].kind = CHANGE_KINDS;
	memcpy(table, changers, sizeof(changers));
}
