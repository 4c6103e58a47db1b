"""A red-black tree with the very shape of the kernel's (lib/rbtree.c).

The shape matters: on its way down to where a segment belongs, the kernel tries to
append it to each buffer that it passes.
"""

from typing import Any, TypeAlias

# A Node or None. Where it is followed, the balance of the tree says that it is there.
Link: TypeAlias = Any


class Node:
    """What can be in a tree."""

    def __init__(self) -> None:
        self.parent: Link = None
        self.left: Link = None
        self.right: Link = None
        self.red = True


class Tree:
    """Nodes in the order in which their users put them."""

    def __init__(self) -> None:
        self.root: Link = None

    def first(self) -> Link:
        """Return the leftmost node."""
        node = self.root
        while node is not None and node.left is not None:
            node = node.left
        return node

    def following(self, node: Node) -> Link:
        """Return the next node in order."""
        if node.right is not None:
            node = node.right
            while node.left is not None:
                node = node.left
            return node
        while node.parent is not None and node is node.parent.right:
            node = node.parent
        return node.parent

    def replace(self, old: Node, new: Node) -> None:
        """Put a node in the place of another."""
        new.left, new.right, new.red = old.left, old.right, old.red
        self._graft(old, new)
        for child in (new.left, new.right):
            if child is not None:
                child.parent = new

    def insert(self, node: Node, parent: Link, *, right: bool) -> None:
        """Hang a node below another that has nothing on that side."""
        node.parent, node.left, node.right, node.red = parent, None, None, True
        if parent is None:
            self.root = node
        elif right:
            parent.right = node
        else:
            parent.left = node
        while node.parent is not None and node.parent.red:
            parent = node.parent
            above = parent.parent
            on_left = parent is above.left
            uncle = above.right if on_left else above.left
            if uncle is not None and uncle.red:
                parent.red = uncle.red = False
                above.red = True
                node = above
                continue
            if node is (parent.right if on_left else parent.left):
                self._rotate(parent, left=on_left)
                node, parent = parent, node
            parent.red = False
            above.red = True
            self._rotate(above, left=not on_left)
        self.root.red = False

    def erase(self, node: Node) -> None:
        """Take a node out."""
        if node.left is not None and node.right is not None:
            # The next in order takes its place and colour.
            heir = self.following(node)
            child, parent, black = heir.right, heir.parent, not heir.red
            if parent is node:
                parent = heir
            else:
                self._graft(heir, child)
                heir.right = node.right
                heir.right.parent = heir
            self._graft(node, heir)
            heir.left = node.left
            heir.left.parent = heir
            heir.red = node.red
        else:
            child = node.right if node.left is None else node.left
            parent, black = node.parent, not node.red
            self._graft(node, child)
        if black:
            self._mend(child, parent)

    def _mend(self, node: Link, parent: Link) -> None:
        """Restore the black heights where ``node`` is one short."""
        while parent is not None and (node is None or not node.red):
            on_left = node is parent.left
            sibling = parent.right if on_left else parent.left
            if sibling.red:
                sibling.red = False
                parent.red = True
                self._rotate(parent, left=on_left)
                sibling = parent.right if on_left else parent.left
            far = sibling.right if on_left else sibling.left
            near = sibling.left if on_left else sibling.right
            if far is None or not far.red:
                if near is None or not near.red:
                    sibling.red = True
                    node, parent = parent, parent.parent
                    continue
                near.red = False
                sibling.red = True
                self._rotate(sibling, left=not on_left)
                far, sibling = sibling, near
            sibling.red = parent.red
            parent.red = far.red = False
            self._rotate(parent, left=on_left)
            return
        if node is not None:
            node.red = False

    def _rotate(self, node: Node, *, left: bool) -> None:
        riser = node.right if left else node.left
        middle = riser.left if left else riser.right
        if left:
            node.right, riser.left = middle, node
        else:
            node.left, riser.right = middle, node
        if middle is not None:
            middle.parent = node
        self._graft(node, riser)
        node.parent = riser

    def _graft(self, old: Node, new: Link) -> None:
        """Let the parent of ``old`` have ``new`` instead."""
        parent = old.parent
        if new is not None:
            new.parent = parent
        if parent is None:
            self.root = new
        elif old is parent.left:
            parent.left = new
        else:
            parent.right = new
