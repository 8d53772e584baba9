//! What two trees do not share. libgit2 compares trees by walking both of them whole; over a
//! branch of many commits only what differs can be walked.

use std::cmp::Ordering;

use git2::{ObjectType, Oid, Tree, TreeEntry};

use super::{BlobId, CommitSha, Delta, Entry, GitError, Repo, RepoPath, kind};

impl Repo {
    /// What a commit changed since another one, or since nothing, by path. A moved file is one
    /// that was removed and one that was added.
    pub(crate) fn changed(
        &self,
        from: Option<&CommitSha>,
        to: &CommitSha,
    ) -> Result<Vec<Delta>, GitError> {
        let mut walk = Walk {
            folders: Vec::new(),
            found: Vec::new(),
        };
        let from = from.map(|from| self.tree(from)).transpose()?;
        walk.compare("", from.as_ref(), Some(&self.tree(to)?));
        while let Some((path, sides)) = walk.folders.pop() {
            let [from, to] = sides.map(|id| id.map(|id| self.inner.find_tree(id)));
            walk.compare(&path, from.transpose()?.as_ref(), to.transpose()?.as_ref());
        }
        let path = |delta: &Delta| {
            let (path, _) = delta.after.as_ref().or(delta.before.as_ref())?;
            Some(path.clone())
        };
        walk.found.sort_by_cached_key(path);
        Ok(walk.found)
    }
}

/// A comparison under way. Folders wait in a list: how deep they lie is up to whoever made them.
struct Walk {
    /// Folders that differ, each with its tree on both sides.
    folders: Vec<(String, [Option<Oid>; 2])>,
    found: Vec<Delta>,
}

impl Walk {
    fn compare(&mut self, folder: &str, from: Option<&Tree<'_>>, to: Option<&Tree<'_>>) {
        let entries = |tree: Option<&'_ Tree<'_>>| tree.map_or(0, Tree::len);
        let (mut left, mut right) = (0, 0);
        while left < entries(from) || right < entries(to) {
            let before = from.and_then(|tree| tree.get(left));
            let after = to.and_then(|tree| tree.get(right));
            let order = match (&before, &after) {
                (Some(before), Some(after)) => order(before, after),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            let before = before.filter(|_| order.is_le());
            let after = after.filter(|_| order.is_ge());
            left += usize::from(before.is_some());
            right += usize::from(after.is_some());
            self.pair(folder, before.as_ref(), after.as_ref());
        }
    }

    fn pair(
        &mut self,
        folder: &str,
        before: Option<&TreeEntry<'_>>,
        after: Option<&TreeEntry<'_>>,
    ) {
        let what = |entry: &TreeEntry<'_>| (entry.id(), entry.filemode());
        if before.map(what) == after.map(what) {
            return;
        }
        let Some(named) = after.or(before) else {
            return;
        };
        let path = format!("{folder}{}", String::from_utf8_lossy(named.name_bytes()));
        // Two of one name that are not alike in this are not of one place in the order.
        if is_folder(named) {
            let ids = [before, after].map(|entry| entry.map(TreeEntry::id));
            return self.folders.push((format!("{path}/"), ids));
        }
        let side = |entry: Option<&TreeEntry<'_>>| {
            let entry = entry?;
            let file = Entry {
                id: BlobId(entry.id()),
                kind: kind(entry.filemode()),
            };
            Some((RepoPath(path.clone()), file))
        };
        self.found.push(Delta {
            before: side(before),
            after: side(after),
        });
    }
}

/// Git's order of the entries of a tree: a folder's name ends with a slash.
fn order(one: &TreeEntry<'_>, other: &TreeEntry<'_>) -> Ordering {
    let name = |entry| {
        let end = is_folder(entry).then_some(&b'/');
        TreeEntry::name_bytes(entry).iter().chain(end)
    };
    name(one).cmp(name(other))
}

fn is_folder(entry: &TreeEntry<'_>) -> bool {
    entry.kind() == Some(ObjectType::Tree)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::git::side;
    use crate::git::write::NewRepo;

    /// Paths that put files, folders and names around `/` in each other's place.
    const PATHS: [&str; 9] = [
        "a", "a/b", "a/b/c", "a.txt", "a-b/c", "a/b.c", "b/a", "b/a/x", "b0",
    ];

    fn files() -> impl Strategy<Value = BTreeMap<&'static str, u8>> {
        prop::collection::btree_map(prop::sample::select(&PATHS[..]), 0_u8..3, 0..6)
    }

    /// Leaves out what lies below another file.
    fn laid(files: &BTreeMap<&'static str, u8>) -> Vec<(&'static str, Vec<u8>)> {
        let below = |path: &str, other: &str| path.starts_with(&format!("{other}/"));
        let kept = files
            .iter()
            .filter(|(path, _)| !files.keys().any(|other| below(path, other)));
        kept.map(|(path, content)| (*path, vec![*content]))
            .collect()
    }

    proptest! {
        #[test]
        fn it_is_what_libgit2_finds(before in files(), after in files()) {
            let new = NewRepo::in_memory().unwrap();
            let commit = |files: &BTreeMap<&'static str, u8>| {
                let files = laid(files);
                let files = files.iter().map(|(path, content)| ((*path).to_owned(), content.as_slice()));
                new.add(None, files, ("x", 0)).unwrap()
            };
            let (before, after) = (commit(&before), commit(&after));
            let repo = new.into_repo();
            let trees = [&before, &after].map(|commit| repo.tree(commit).unwrap());
            let [from, to] = &trees;
            let mut options = git2::DiffOptions::new();
            options.include_typechange(true);
            let diff = repo.inner.diff_tree_to_tree(Some(from), Some(to), Some(&mut options));
            let want = diff.unwrap();
            let mut want: Vec<Delta> = want
                .deltas()
                .map(|delta| Delta { before: side(&delta.old_file()), after: side(&delta.new_file()) })
                .collect();
            let path = |delta: &Delta| delta.after.clone().or(delta.before.clone()).map(|(path, _)| path);
            want.sort_by_key(path);
            prop_assert_eq!(repo.changed(Some(&before), &after).unwrap(), want);
            let whole = repo.changed(None, &after).unwrap();
            prop_assert!(whole.iter().all(|delta| delta.before.is_none()));
            prop_assert_eq!(whole.len(), laid_count(&repo, &after));
        }
    }

    fn laid_count(repo: &Repo, commit: &CommitSha) -> usize {
        let mut count = 0;
        let tree = repo.tree(commit).unwrap();
        let walk = tree.walk(git2::TreeWalkMode::PreOrder, |_, entry| {
            count += usize::from(!is_folder(entry));
            git2::TreeWalkResult::Ok
        });
        walk.unwrap();
        count
    }
}
