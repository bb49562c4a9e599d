"""scanner/reports"""
