# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new In-App Purchase key takes an old one's place: what uses the old key, the move, and its end."""
