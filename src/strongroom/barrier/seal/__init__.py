"""barrier/seal"""
